"""Closes connections to a read-only server.

After a failover a connection still leads to the former primary until it is closed: for up to 60 s in web, and without
end if CONN_MAX_AGE is None.
"""

import time
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from channels_live.database.errors import is_read_only


def watch() -> None:
    """Watch every connection that is opened from now on, in every thread of the process."""
    connection_created.connect(_attach, dispatch_uid="channels_live.database.failover")


def _attach(connection: BaseDatabaseWrapper, **_: Any) -> None:
    # The wrapper object outlives its connection to the server, and each connection sends the signal.
    if _expire_when_read_only not in connection.execute_wrappers:
        connection.execute_wrappers.append(_expire_when_read_only)


def _expire_when_read_only(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    try:
        return execute(sql, params, many, context)
    except DatabaseError as error:
        if is_read_only(error):
            # As if CONN_MAX_AGE had passed: django.db.close_old_connections, which runs around each request and each
            # database_sync_to_async, closes it.
            context["connection"].close_at = time.monotonic()
        raise
