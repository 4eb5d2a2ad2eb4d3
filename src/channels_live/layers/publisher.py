"""The worker's one way into the channel layer.

``async_to_sync(group_send)`` would open an event loop and a Redis connection for every call
(channels_redis#266); here one thread with one loop owns the connection.
"""

import asyncio
import logging
import threading
from collections import deque
from typing import Any

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

SEND_SECONDS = 1.0
# What waits while Redis is slow; beyond that the oldest is dropped.
MAX_OUTGOING = 10_000


class Publisher:
    """Sends to groups in the background, in order, from any thread.

    What cannot be sent is dropped: ws reads it from the journal within two seconds.
    """

    def __init__(self) -> None:
        self._outgoing: deque[tuple[str, dict[str, Any]]] = deque(maxlen=MAX_OUTGOING)
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sender: asyncio.Task[None] | None = None
        self._is_up = True

    def publish(self, group: str, message: dict[str, Any]) -> None:
        """Send a message to a group; return at once, whatever becomes of it."""
        self._outgoing.append((group, message))
        self._running_loop().call_soon_threadsafe(self._send_soon)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._start_lock:
            # Not before the first call: a thread does not survive the fork of Gunicorn's worker.
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="publisher", daemon=True)
                self._thread.start()
            return self._loop

    def _send_soon(self) -> None:
        if self._sender is None or self._sender.done():
            self._sender = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        while self._outgoing:
            group, message = self._outgoing.popleft()
            try:
                await self._send(group, message)
            except (RedisError, OSError, TimeoutError) as error:
                if self._is_up:
                    logger.warning("The channel layer failed, messages reach members by polling: %s", error)
                self._is_up = False
            except Exception:
                logger.exception("A message to the channel layer was dropped")
            else:
                if not self._is_up:
                    logger.warning("The channel layer is back")
                self._is_up = True

    async def _send(self, group: str, message: dict[str, Any]) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await get_channel_layer().group_send(group, message)


_publisher = Publisher()
publish = _publisher.publish
