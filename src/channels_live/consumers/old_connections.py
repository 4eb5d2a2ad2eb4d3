"""Closes old database connections as Channels does before each handler, but only where there is something to close.

Channels calls ``close_old_connections`` in asgiref's thread each time (channels.db.aclose_old_connections): a hop
through one thread that all consumers share. What that would close is known here without asking: the connections that
were made in that thread.
"""

import threading
import time
from typing import Any
from weakref import ref

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connections
from django.db.backends.signals import connection_created

# With the thread in which each was made.
_connections: list[tuple[ref[Any], int]] = []
# Handlers in many threads connect.
_lock = threading.Lock()
# In which asgiref ran the last call. None before the first.
_thread: int | None = None


def has_old_connections() -> bool:
    """Return whether ``close_old_connections`` would do anything in asgiref's thread."""
    for reference, thread in _connections:
        connection = reference()
        if connection is not None and thread == (_thread or thread) and _is_old(connection):
            return True
    return False


async def aclose_old_connections() -> None:
    """Close the connections of asgiref's thread that are broken, or older than CONN_MAX_AGE."""
    global _thread
    _thread = await sync_to_async(_close)()


def close_old_connections_of_this_thread() -> None:
    """Close what ``close_old_connections`` would close, at the cost of a few comparisons where that is nothing."""
    for connection in connections.all(initialized_only=True):
        if _is_old(connection):
            connection.close_if_unusable_or_obsolete()


def _close() -> int:
    close_old_connections()
    return threading.get_ident()


def _is_old(connection: Any) -> bool:
    """Whether close_if_unusable_or_obsolete would close or examine the connection."""
    if connection.connection is None or connection.in_atomic_block:
        return False
    return bool(
        connection.errors_occurred
        # The next query is to examine it again.
        or (connection.health_check_enabled and connection.health_check_done)
        or connection.autocommit != connection.settings_dict["AUTOCOMMIT"]
        or (connection.close_at is not None and time.monotonic() >= connection.close_at)
    )


def _connected(connection: Any, **_: Any) -> None:
    with _lock:
        _connections[:] = [(each, thread) for each, thread in _connections if each() not in (None, connection)]
        _connections.append((ref(connection), threading.get_ident()))


connection_created.connect(_connected, dispatch_uid="channels_live.consumers.old_connections")
