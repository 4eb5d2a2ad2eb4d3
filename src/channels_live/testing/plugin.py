"""The fixtures for pytest, which finds this module by its entry point.

It is loaded in every run of pytest, and before pytest-django has read the settings: what needs these is imported by the
fixtures.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from channels_live.testing.stack import LiveStack

FIXTURES = {"live_stack", "live_stack_factory"}
# The stacks of a test, each with the place in its logs at which the test began.
STACKS = pytest.StashKey[list[tuple[Any, Any]]]()


@pytest.fixture(scope="session")
def live_stack_options() -> Mapping[str, Any]:
    """The arguments of LiveStack for ``live_stack``; override it in a conftest.py to change them."""
    return {}


@pytest.fixture(scope="session")
def _shared_live_stack(
    # Set up before the servers are started, and torn down after they have ended: PostgreSQL drops no database in use.
    django_db_setup: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
    live_stack_options: Mapping[str, Any],
) -> "Iterator[LiveStack]":
    from channels_live.testing.databases import close_connections_of_coroutines
    from channels_live.testing.stack import LiveStack

    with LiveStack(tmp_path_factory.mktemp("live_stack"), **live_stack_options) as stack:
        yield stack
    with django_db_blocker.unblock():
        close_connections_of_coroutines()


@pytest.fixture
def live_stack(
    request: pytest.FixtureRequest, transactional_db: None, _shared_live_stack: "LiveStack"
) -> "Iterator[LiveStack]":
    """A running LiveStack on the test database, which all tests of the session share.

    Databases are emptied after each test, as ``transactional_db`` does, and processes that a test has stopped, killed
    or paused are started again before the next one.
    """
    # A test may have killed something, and its successor finds all in order.
    _shared_live_stack.start()
    with _in_use(request, _shared_live_stack):
        yield _shared_live_stack


@pytest.fixture
def live_stack_factory(
    request: pytest.FixtureRequest, transactional_db: None, django_db_setup: None, tmp_path: Path
) -> "Iterator[Callable[..., LiveStack]]":
    """A function that starts a LiveStack of the test's own, with the arguments of LiveStack but for the directory."""
    from channels_live.testing.stack import LiveStack

    with ExitStack() as resources:

        def start(**options: Any) -> "LiveStack":
            directory = tmp_path / f"live_stack_{len(request.node.stash.get(STACKS, []))}"
            directory.mkdir()
            stack = resources.enter_context(LiveStack(directory, **options))
            resources.enter_context(_in_use(request, stack))
            return stack

        yield start


def _in_use(request: pytest.FixtureRequest, stack: "LiveStack") -> Any:
    """Return a context in which the test process uses the stack's Redis, and its logs are the test's."""
    from django.test import override_settings

    from channels_live.testing.logs import LogMark

    request.node.stash.setdefault(STACKS, []).append((stack, LogMark(stack.processes)))
    return override_settings(CHANNEL_LAYERS=stack.channel_layers())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put a test database in memory into a file where a test needs servers, before it is made."""
    if any(FIXTURES & set(getattr(item, "fixturenames", ())) for item in items):
        from channels_live.testing.databases import use_files

        # Not a folder of pytest's, which does not remove it at once.
        folder = tempfile.mkdtemp(prefix="channels-live-test-")
        config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))
        use_files(Path(folder))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Show what the processes have logged in a test that fails."""
    report = yield
    if report.failed:
        for stack, mark in item.stash.get(STACKS, []):
            for process in stack.processes:
                if text := mark.text(process):
                    report.sections.append((f"Log of {process.name}", text))
    return report
