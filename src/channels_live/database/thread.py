"""Threads of a ws process for the database, so that a slow query does not block the event loop."""

import asyncio
import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import Error, connection

from channels_live.database.errors import is_conflict, needs_new_connection

Result = TypeVar("Result")


class DatabaseThread:
    """Runs blocking functions one after the other, on one persistent connection."""

    def __init__(self, name: str = "database") -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Return what the function returns.

        If the connection is broken, for example because the database was restarted or has become read-only, the
        function runs a second time on a new connection; after a deadlock, on the same. So it must be idempotent. Raises
        what it raises the second time.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, _run, function, arguments)


@functools.cache
def get_database_thread() -> DatabaseThread:
    """Return the thread that the apps of the process share."""
    return DatabaseThread()


def _run(function: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
    _close_when_old()
    before = connection.connection
    try:
        return function(*arguments)
    except Error as error:
        # transaction.atomic itself replaces a connection on which its rollback fails.
        is_replaced = connection.connection is not before
        if not is_replaced and needs_new_connection(error, connection):
            connection.close()
            is_replaced = True
        # A second new connection would not help.
        if not (is_conflict(error) or (is_replaced and before is not None)):
            raise
    try:
        return function(*arguments)
    except Error as error:
        if needs_new_connection(error, connection):
            connection.close()
        raise


def _close_when_old() -> None:
    """Reconnect once in CONN_MAX_AGE: after a failover an old connection may lead to a server that lags behind.

    Not django.db.close_old_connections, whose health check adds a round trip to each commit.
    """
    max_age = connection.settings_dict["CONN_MAX_AGE"]  # SQLite's is 0
    if max_age and connection.close_at is not None and time.monotonic() >= connection.close_at:
        connection.close()
