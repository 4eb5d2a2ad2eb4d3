"""The prefix of everything that an installation sends through Redis.

Redis' pub/sub ignores the database number: without a prefix of its own, an installation receives what any other on the
same server sends (https://redis.io/docs/latest/develop/pubsub/#database--scoping).
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from django.db import connection
from django.utils.crypto import salted_hmac

from channels_live.conf import live_settings
from channels_live.database.identity import database_identity, is_known

# Enough that no two installations meet by chance.
DIGITS = 16
# Part of the key: another one would separate the processes of two releases.
SALT = "base.channel_prefix"


def channel_prefix() -> str:
    """Return the prefix, which ends with a colon: ``CHANNEL_PREFIX``, or one derived from the database.

    All processes of an installation derive the same, from its database and SECRET_KEY. Blocks on the database the first
    time, not within a transaction; raises DatabaseError where the database does not answer.
    """
    if live_settings.CHANNEL_PREFIX:
        return f"{live_settings.CHANNEL_PREFIX}:"
    # With the key: a copy of the whole server, data files and all, should have a key of its own.
    return f"channels-{salted_hmac(SALT, database_identity()).hexdigest()[:DIGITS]}:"


async def async_channel_prefix() -> str:
    """Return the prefix without blocking the event loop; raises DatabaseError as channel_prefix does."""
    if live_settings.CHANNEL_PREFIX or is_known():
        return channel_prefix()
    # A thread for the first time only, and neither asgiref's nor one of asyncio's: an app's code may block those.
    executor = ThreadPoolExecutor(1, thread_name_prefix="prefix")
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, _prefix_in_thread)
    finally:
        executor.shutdown(wait=False)


def _prefix_in_thread() -> str:
    try:
        return channel_prefix()
    finally:
        connection.close()  # nothing else in this thread uses it
