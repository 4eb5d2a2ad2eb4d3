"""Look-ups of host names in threads of their own.

asyncio takes those of ``run_in_executor(None, …)`` and ``asyncio.to_thread``. Where an app's code blocks all of them,
no connection to Redis could be opened again.
"""

import asyncio
import functools
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = 4


def install(loop: asyncio.AbstractEventLoop) -> None:
    """Let connections that this event loop opens look their hosts up so."""
    executor = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")

    async def getaddrinfo(host: Any, port: Any, **options: int) -> Any:
        return await loop.run_in_executor(executor, functools.partial(socket.getaddrinfo, host, port, **options))

    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
