"""Channels' own consumers, without the wait for asgiref's one thread before each of their messages.

channels >= 4.2 awaits ``aclose_old_connections()`` before every handler. Code of another consumer that blocks in that
thread would hold up all of them, also those that never ask a database.
"""

from concurrent.futures import Future

import channels.consumer
import channels.generic.websocket
from asgiref.sync import SyncToAsync
from django.db import close_old_connections

_pending: Future[None] | None = None


async def close_old_connections_soon() -> None:
    """Have the shared thread close its old connections before whatever the caller runs there next, and do not wait.

    Of many callers one closes for all, so that nothing piles up where the thread is blocked.
    """
    global _pending
    if _pending is None or _pending.done():
        _pending = SyncToAsync.single_thread_executor.submit(close_old_connections)


def install() -> None:
    """Let the consumers of this process use it."""
    for module in (channels.consumer, channels.generic.websocket):
        assert module.aclose_old_connections
        module.aclose_old_connections = close_old_connections_soon
