"""Measures the duration of SQL statements on every database connection of the process."""

import time
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from prometheus_client import Histogram

QUERY_DURATION = Histogram(
    "database_query_duration_seconds",
    "Duration of one SQL statement, including waits for locks; commits are not counted.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def measure() -> None:
    """Measure every connection that is opened from now on."""
    connection_created.connect(_attach, dispatch_uid="channels_live.observability.database_time")


def _attach(connection: BaseDatabaseWrapper, **_: Any) -> None:
    # The wrapper object outlives its connection to the server, and each connection sends the signal.
    if _timed not in connection.execute_wrappers:
        connection.execute_wrappers.append(_timed)


def _timed(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    begun = time.monotonic()
    try:
        return execute(sql, params, many, context)
    finally:
        QUERY_DURATION.observe(time.monotonic() - begun)
