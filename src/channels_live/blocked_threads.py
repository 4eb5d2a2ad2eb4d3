"""Whether a thread waits for what runs in the event loop: few threads are shared by many consumers."""

from contextvars import ContextVar

from asgiref.sync import AsyncToSync

blocks_thread: ContextVar[bool] = ContextVar("blocks_thread", default=False)


def is_thread_blocked() -> bool:
    """Return whether a thread waits for the running coroutine, as in ``async_to_sync`` or a synchronous consumer."""
    return blocks_thread.get() or getattr(AsyncToSync.executors, "current", None) is not None
