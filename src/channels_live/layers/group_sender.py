"""The bounded queue of messages for groups, the same in ws's event loop and in the publisher's thread of web."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from channels_live.layers.availability import CHANNEL_LAYER_ERRORS, Availability, Counters

logger = logging.getLogger(__name__)

SEND_SECONDS = 1.0
# Messages that wait while Redis is slow; beyond that the oldest of one group is dropped, and read from the journal.
MAX_WAITING = 10_000
# Messages of one group that are sent as one where they have waited for those before: a publication costs ws and Redis
# the same whatever is in it, some 0.7 ms.
MAX_BATCH = 32


class GroupSender:
    """Sends messages to groups of the channel layer, in the background, for each group in order.

    A message that cannot be sent is dropped: the hubs read it from the journal. Groups take turns. Belongs to one
    event loop; nothing here is safe to call from another thread.

    ``layer`` returns the channel layer to use; ``on_sent`` is called after each successful send.
    """

    def __init__(
        self,
        layer: Callable[[], Any],
        availability: Availability,
        counters: Counters,
        *,
        on_sent: Callable[[], None] = lambda: None,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._layer = layer
        self._availability = availability
        self._counters = counters
        self._on_sent = on_sent
        self._max_waiting = max_waiting
        # By group; the one whose turn it is comes first.
        self._queues: dict[str, deque[dict[str, Any]]] = {}
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None

    def send(self, group: str, message: dict[str, Any]) -> None:
        """Queue a message for a group, and return at once. Call it within the event loop."""
        if self._waiting == self._max_waiting:
            self._next_batch(1)
            self._counters.dropped(1)
        self._queues.setdefault(group, deque()).append(message)
        self._waiting += 1
        self._counters.queued(1)
        self._start()

    def restart(self) -> None:
        """Give up the send that is under way, and go on with the next batch."""
        if self._task:
            self._task.cancel()
            self._task = None
        if self._queues:
            self._start()

    async def close(self, seconds: float = SEND_SECONDS) -> None:
        """Send what waits, for at most so many seconds, then stop."""
        if self._task:
            await asyncio.wait([self._task], timeout=seconds)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        while self._queues:
            group, messages = self._next_batch(MAX_BATCH)
            await self._send(group, messages)

    async def _send(self, group: str, messages: list[dict[str, Any]]) -> None:
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._layer().group_send(group, _batch(messages))
        except CHANNEL_LAYER_ERRORS as error:
            self._availability.failed(error)
        except Exception:
            if len(messages) > 1:
                await self._send_each(group, messages)
            else:
                logger.exception("Dropped a message that the channel layer cannot encode or send")
        else:
            self._counters.sent(len(messages))
            self._on_sent()
        finally:
            self._counters.observe_send(time.perf_counter() - begun)

    async def _send_each(self, group: str, messages: list[dict[str, Any]]) -> None:
        """Send a batch one by one: a message that cannot be encoded must not cost those that waited with it."""
        for message in messages:
            await self._send(group, [message])

    def _next_batch(self, most: int) -> tuple[str, list[dict[str, Any]]]:
        """Remove messages of the group whose turn it is; what it has beyond ``most`` waits behind the other groups."""
        group = next(iter(self._queues))
        queue = self._queues.pop(group)
        batch = [queue.popleft() for _ in range(min(most, len(queue)))]
        if queue:
            self._queues[group] = queue
        self._waiting -= len(batch)
        self._counters.queued(-len(batch))
        return group, batch


def _batch(messages: list[dict[str, Any]]) -> dict[str, Any]:
    return messages[0] if len(messages) == 1 else {"type": "batch", "messages": messages}


def messages_of(received: Mapping[str, Any]) -> list[Any]:
    """Return the messages that were sent as one: of a batch its messages, else the one that was received."""
    messages: list[Any] = received["messages"] if received["type"] == "batch" else [received]
    return messages
