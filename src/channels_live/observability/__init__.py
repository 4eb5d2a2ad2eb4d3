"""Logs, traces, error reports and readiness. web uses them too, so nothing here imports the server.

``tracing`` and ``sentry`` are modules: ``tracing.start(…)``. Their libraries are the extras ``[tracing]`` and
``[sentry]``, and are imported where they are started.
"""

from typing import TYPE_CHECKING, Any

from channels_live.observability import sentry, tracing
from channels_live.observability.logs import configure as configure_logging
from channels_live.observability.logs import first_line, logging_settings
from channels_live.observability.request_id import accepted_request_id, request_id_of

if TYPE_CHECKING:
    from channels_live.observability.readiness import readiness as check_readiness

__all__ = [
    "accepted_request_id",
    "check_readiness",
    "configure_logging",
    "first_line",
    "logging_settings",
    "request_id_of",
    "sentry",
    "tracing",
]


def __getattr__(name: str) -> Any:
    # Imported at first use: it imports the channel layer, which imports the logging above.
    if name == "check_readiness":
        from channels_live.observability.readiness import readiness

        return readiness
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
