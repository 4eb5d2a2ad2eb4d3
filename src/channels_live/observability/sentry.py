"""Errors to Sentry, where ``SENTRY_DSN`` is set; where it is not, nothing is even imported.

What is logged as an error is sent, with its trace and request id. Nothing of the request is: no integration with Django
is used, because bodies, cookies, headers and query strings hold what people write and what lets them in.
"""

import logging
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint


def start(dsn: str, environment: str) -> None:
    """Report this process' errors; without a DSN do nothing. Call it after a fork, not before."""
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
    # Fields of the log record: Django puts the request among them, whose text has the query string.
    event.pop("extra", None)
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        event["tags"] = {"request_id": request_id}
    return event
