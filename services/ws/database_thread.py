"""Threads of a ws process that talk to the database, so that no slow query holds up the event loop."""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection

Result = TypeVar("Result")


class DatabaseThread:
    """Runs blocking functions one after the other, on one persistent connection."""

    def __init__(self, name: str = "database") -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Return what the function returns.

        After a broken connection, for example a database that was restarted, the function runs a second time
        on a new one; so it must be harmless to repeat. Raises what it raises then.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, _run, function, arguments)


@functools.cache
def database_thread() -> DatabaseThread:
    """Return the thread that the apps of the process share."""
    return DatabaseThread()


def _run(function: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
    try:
        return function(*arguments)
    except (OperationalError, InterfaceError):
        if connection.connection is not None and connection.is_usable():
            raise
        connection.close()
    try:
        return function(*arguments)
    except (OperationalError, InterfaceError):
        connection.close()
        raise
