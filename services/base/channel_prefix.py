"""The prefix of everything that an installation sends through Redis.

Redis' pub/sub ignores the database number: without a prefix of its own, an installation receives what any other on the
same server sends (https://redis.io/docs/latest/develop/pubsub/#database--scoping).
"""

import asyncio
import os
import threading

from django.conf import settings
from django.db import ProgrammingError, connection
from django.utils.crypto import salted_hmac

# Enough that no two installations meet by chance.
DIGITS = 16

_lock = threading.Lock()
_derived: str | None = None


def channel_prefix() -> str:
    """Return the prefix, which ends with a colon: ``CHANNEL_PREFIX``, or one derived from the database.

    All processes of an installation derive the same: from the server's system identifier, which a replica keeps when
    it takes over, and the database's number in it, so that a dump restored elsewhere is another installation; and from
    SECRET_KEY, for a copy of the whole server. Blocks on the database the first time, not within a transaction; raises
    DatabaseError where the database does not answer.
    """
    global _derived
    if settings.CHANNEL_PREFIX:
        return f"{settings.CHANNEL_PREFIX}:"
    with _lock:
        if _derived is None:
            _derived = f"channels-{salted_hmac('base.channel_prefix', _identity()).hexdigest()[:DIGITS]}:"
        return _derived


async def async_channel_prefix() -> str:
    """Return the prefix without blocking the event loop; raises DatabaseError as channel_prefix does."""
    if settings.CHANNEL_PREFIX or _derived:
        return channel_prefix()
    # Not in the thread of asgiref: what an app does there may take long.
    return await asyncio.to_thread(_prefix_in_thread)


def _prefix_in_thread() -> str:
    try:
        return channel_prefix()
    finally:
        connection.close()  # nothing else in this thread uses it


def _identity() -> str:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
            (number,) = cursor.fetchone()
        return f"postgresql {_system_identifier()} {number}"
    connection.ensure_connection()  # which makes the file
    path = os.path.realpath(connection.settings_dict["NAME"])
    # The number of the file, for containers in which different files have the same path.
    return f"sqlite {path} {os.stat(path).st_ino if os.path.exists(path) else 0}"


def _system_identifier() -> str:
    # Every role may ask, unless a hosted server took the right away. Then the database's number and the key decide.
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT system_identifier FROM pg_control_system()")
            return str(cursor.fetchone()[0])
    except ProgrammingError:
        return ""
