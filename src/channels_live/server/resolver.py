"""Resolves host names in threads of its own.

asyncio uses those of ``run_in_executor(None, …)`` and ``asyncio.to_thread``. If an app's code blocked all of them, no
connection to Redis could be opened.
"""

import asyncio
import functools
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = 4


def install(loop: asyncio.AbstractEventLoop) -> None:
    """Make this event loop resolve host names in these threads."""
    executor = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")

    async def getaddrinfo(host: Any, port: Any, **options: int) -> Any:
        return await loop.run_in_executor(executor, functools.partial(socket.getaddrinfo, host, port, **options))

    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
