"""A plugin for pytest that runs Daphne's own test suite on our server.

It also takes out what makes that suite depend on the speed of a machine: short time-outs, and hypothesis' deadlines and
random examples.
"""

import functools
import importlib
import multiprocessing
import sys
from collections.abc import Callable
from typing import Any

import daphne.cli
import daphne.testing
import hypothesis
import pytest
from django.conf import settings as django_settings

import channels_live.server.server

# One test waits for this long to see that no answer comes.
WAIT_SECONDS = 5

# Tests that must fail, each with the reason.
TOLD_1009 = (
    "Daphne drops a connection whose frame is over the limit, and its client sees 1006. Ours closes it with 1009 and "
    "waits 5 s for the client's close frame. This test sends none, and expects the disconnect within 2 s."
)
DEVIATIONS = {
    "tests/test_websocket.py::TestWebsocket::test_websocket_max_message_size": TOLD_1009,
    "tests/test_websocket.py::TestWebsocket::test_websocket_max_frame_size": TOLD_1009,
}

# Its applications need no revocations, whose table would need Django's apps.
django_settings.CHANNELS_LIVE = {}

# Daphne's way to start a server copies the process; elsewhere than with "fork" the copy would know nothing of this.
multiprocessing.set_start_method("fork")

daphne.cli.CommandLineInterface.server_class = channels_live.server.server.Server
daphne.testing.BaseDaphneTestingInstance.startup_timeout = 30

_settings, _reinstall_reactor = hypothesis.settings, daphne.testing._reinstall_reactor
_call = daphne.testing.TestApplication.__call__


def settings(**options: Any) -> hypothesis.settings:
    """hypothesis' settings, with the same examples in every run and no deadline."""
    return _settings(**{**options, "database": None, "deadline": None, "derandomize": True})


def reinstall_reactor() -> None:
    """Daphne's, which the copied process calls before it makes a server; then the server is ours."""
    _reinstall_reactor()
    importlib.import_module("daphne.server")
    del sys.modules["channels_live.server.server"]
    sys.modules["daphne.server"].Server = importlib.import_module("channels_live.server.server").Server  # type: ignore[attr-defined]


def terminate(process: multiprocessing.Process) -> None:
    """End the process at once, as SIGTERM ends Daphne's; ours would close its sockets first."""
    process.kill()
    process.join()


async def call(application: Any, scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Daphne's test application, without what our server adds to the scope.

    That is for our own middleware, and names ASGI's extension ``websocket.http.response``, which Daphne does not have.
    """
    added = {name for name in scope if name.startswith("channels_live.") or name == "extensions"}
    await _call(application, {name: scope[name] for name in scope if name not in added}, receive, send)


hypothesis.settings = settings  # type: ignore[assignment, misc]
daphne.testing._reinstall_reactor = reinstall_reactor
daphne.testing.DaphneProcess.terminate = terminate
daphne.testing.TestApplication.__call__ = call


def patient(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with another default for its time-out, which is one second."""

    @functools.wraps(function)
    def patient_function(*arguments: Any, **options: Any) -> Any:
        return function(*arguments, **{"timeout": WAIT_SECONDS, **options})

    return patient_function


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    case = sys.modules["http_base"].DaphneTestCase
    for name in ("run_daphne_http", "run_daphne_raw", "websocket_handshake", "receive_from_socket"):
        setattr(case, name, patient(getattr(case, name)))
    found = {item.nodeid: item for item in items}
    for name, reason in DEVIATIONS.items():
        if name not in found:
            raise pytest.UsageError(f"{name} is a deviation that Daphne's suite does not have.")
        found[name].add_marker(pytest.mark.xfail(reason=reason, raises=AssertionError, strict=True))
