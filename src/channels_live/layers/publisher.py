"""web's only way into the channel layer.

``async_to_sync(group_send)`` would open an event loop and a Redis connection for every call (channels_redis#266); here
one thread with one event loop owns the connection.
"""

import asyncio
import threading
from typing import Any

from channels.layers import get_channel_layer

from channels_live.layers.availability import Availability, Counters
from channels_live.layers.group_sender import MAX_WAITING, GroupSender


class Publisher:
    """Sends to groups in the background, for each group in order, from any thread of the process."""

    def __init__(self, *, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sender: GroupSender | None = None

    def publish(self, group: str, message: dict[str, Any]) -> None:
        """Send a message to a group of the channel layer, such as ``event.to_message(topic)``; return at once.

        A message that cannot be sent is dropped: the hubs of ws read its event from the journal within two seconds.
        """
        loop, sender = self._running()
        loop.call_soon_threadsafe(sender.send, group, message)

    def _running(self) -> tuple[asyncio.AbstractEventLoop, GroupSender]:
        with self._start_lock:
            # Not before the first call: a thread does not survive the fork of Gunicorn's worker.
            if self._loop is None or self._sender is None or self._thread is None or not self._thread.is_alive():
                self._loop = asyncio.new_event_loop()
                self._sender = self._new_sender()
                self._thread = threading.Thread(target=self._loop.run_forever, name="publisher", daemon=True)
                self._thread.start()
            return self._loop, self._sender

    def _new_sender(self) -> GroupSender:
        counters = Counters()
        availability = Availability(counters)
        # web receives nothing, so a successful send is what shows that the channel layer is back.
        return GroupSender(
            get_channel_layer, availability, counters, on_sent=availability.recovered, max_waiting=self._max_waiting
        )


_publisher = Publisher()


def publish(group: str, message: dict[str, Any]) -> None:
    """Send a message to a group of the channel layer, such as ``event.to_message(topic)``, and return at once.

    For processes without a hub, such as web; from any thread. A message that cannot be sent is dropped: the hubs of ws
    read its event from the journal within two seconds.
    """
    _publisher.publish(group, message)
