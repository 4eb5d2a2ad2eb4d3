"""Error reports to Sentry if ``SENTRY_DSN`` is set; otherwise the SDK is not imported.

Logged errors are sent with traceback and request id, without data of the request. The Django integration is not used,
because bodies, cookies, headers and query strings contain messages and credentials.
"""

import logging
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint


def start(dsn: str, environment: str) -> None:
    """Report the errors of this process; does nothing without a DSN. Call it after a fork, not before."""
    if not dsn:
        return
    import sentry_sdk
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry_sdk.init(
        dsn,
        environment=environment,
        send_default_pii=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        auto_enabling_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
        before_send=_prepared,
    )


def _prepared(event: "Event", hint: "Hint") -> "Event":
    # Fields of the log record. Django adds the request, whose repr contains the query string.
    event.pop("extra", None)
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        event["tags"] = {"request_id": request_id}
    return event
