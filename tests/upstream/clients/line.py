"""How a client program is told what to do, and tells what happens: JSON, one object a line."""

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from typing import Any


def tell(event: str, **details: Any) -> None:
    """Write an event to the standard output."""
    print(json.dumps({"event": event, **details}), flush=True)


def commands() -> Iterator[dict[str, Any]]:
    """Yield what comes from the standard input: ``{"send": text}``, ``{"ping": payload}`` or ``{"close": code}``."""
    for line in sys.stdin:
        yield json.loads(line)


def queue_commands() -> asyncio.Queue[dict[str, Any]]:
    """Return a queue of the running event loop with the commands as they come."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def read() -> None:
        for command in commands():
            loop.call_soon_threadsafe(queue.put_nowait, command)

    # A daemon: the program ends with its socket, while this thread still waits.
    threading.Thread(target=read, daemon=True).start()
    return queue
