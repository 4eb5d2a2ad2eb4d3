"""A hub's connection to the channel layer. It may be down at any time; nothing here waits for it long."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import channel_layers
from redis.exceptions import RedisError

from channels_live.observability import metrics

logger = logging.getLogger(__name__)

ERRORS = (RedisError, OSError, TimeoutError)
JOIN_SECONDS = 1.0
# A beat that has not come back for so long means that the channel layer is down.
BEAT_SECONDS = 3.0
# After so long it is made anew: who only reads never learns that a connection ended in silence.
DEAF_SECONDS = 10.0
# What waits to be sent while Redis is slow; beyond that the oldest of one group is dropped, and read from the journal.
MAX_OUTGOING = 10_000
# Messages of one group that are sent as one where they have waited for those before: a publication costs ws and Redis
# the same whatever is in it, some 0.7 ms.
MAX_BATCH = 32


def new_channel_layer() -> Any:
    """Return a channel layer as it is configured, with connections of its own.

    Never the process' default one: Channels' consumers hold on to that, and to the channels that they have in it.
    """
    return channel_layers.make_backend(DEFAULT_CHANNEL_LAYER)


class Wire:
    """Sends to groups and receives from all groups joined, over one channel.

    ``receive`` gets every message. ``returned`` is called when the channel layer failed and when it is back.
    """

    def __init__(self, receive: Callable[[dict[str, Any]], None], returned: Callable[[], None]) -> None:
        self._layer = new_channel_layer()
        self._receive = receive
        self._returned = returned
        self._channel: str | None = None
        self._joined: set[str] = set()
        self._opening = asyncio.Lock()
        self._receiver: asyncio.Task[None] | None = None
        # By group; the one whose turn it is comes first.
        self._outgoing: dict[str, deque[dict[str, Any]]] = {}
        self._waiting = 0
        self._sender: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        # When the first beat went out that has not come back; None where none is on its way.
        self._beat_sent: float | None = None
        self._set_up(True)

    async def join(self, group: str) -> None:
        """Join a group, if Redis answers in time; joining again is harmless."""
        if not self.is_up:
            return
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                await self._layer.group_add(group, await self._open())
        except ERRORS as error:
            self._failed(error)
            return
        self._joined.add(group)

    def has_joined(self, group: str) -> bool:
        """Whether Redis has confirmed that we are in the group."""
        return group in self._joined

    def leave(self, group: str) -> None:
        """Leave a group, in the background; a join that follows comes after it."""
        self._joined.discard(group)
        if self._channel:
            self._start(self._leave(group, self._channel))

    def send(self, group: str, message: dict[str, Any]) -> None:
        """Send to a group, in the background and in order. What cannot be sent is dropped."""
        if self._waiting == MAX_OUTGOING:
            self._take(1)
            metrics.CHANNEL_LAYER_DROPPED.inc()
        self._outgoing.setdefault(group, deque()).append(message)
        self._waiting += 1
        metrics.CHANNEL_LAYER_QUEUE.inc()
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_all())

    async def keep_up(self) -> None:
        """Send a beat to ourselves, and find out whether the last one came back; call it every few seconds."""
        # Not since the last one came back: who calls may have waited for the database meanwhile.
        silence = 0.0 if self._beat_sent is None else time.monotonic() - self._beat_sent
        if silence > BEAT_SECONDS:
            self._failed(TimeoutError("the process does not hear itself"))
        if silence > DEAF_SECONDS:
            self._make_anew()
        if self._beat_sent is None:
            self._beat_sent = time.monotonic()
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                await self._layer.send(await self._open(), {"type": "beat"})
        except ERRORS as error:
            self._failed(error)

    def _make_anew(self) -> None:
        """Replace our channel layer; groups are joined again once we hear ourselves."""
        for task in (self._receiver, self._sender):
            if task:
                task.cancel()
        self._start(_flush(self._layer))
        self._layer = new_channel_layer()
        self._channel = None
        self._opening = asyncio.Lock()
        self._joined.clear()
        self._beat_sent = None

    async def close(self) -> None:
        """Send what waits, for at most a second, then stop sending and receiving."""
        if self._sender:
            await asyncio.wait([self._sender], timeout=JOIN_SECONDS)
        tasks = [task for task in (self._receiver, self._sender, *self._tasks) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _open(self) -> str:
        # One channel, however many groups are joined in the same moment: a group that is joined over a second one
        # is heard twice, and never left.
        async with self._opening:
            if self._channel is None:
                self._channel = await self._layer.new_channel()
                self._receiver = asyncio.create_task(self._receive_all(self._channel))
        return self._channel

    async def _receive_all(self, channel: str) -> None:
        while True:
            try:
                message = await self._layer.receive(channel)
                if message["type"] == "beat":
                    self._beat()
                else:
                    self._receive_each(message["messages"] if message["type"] == "batch" else [message])
            except Exception:
                logger.exception("A message of the channel layer could not be read")

    def _receive_each(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            metrics.CHANNEL_LAYER_RECEIVED.inc()
            try:
                self._receive(message)
            except Exception:
                logger.exception("A message of the channel layer was dropped")

    async def _send_all(self) -> None:
        while self._outgoing:
            group, messages = self._take(MAX_BATCH)
            message = messages[0] if len(messages) == 1 else {"type": "batch", "messages": messages}
            try:
                with metrics.CHANNEL_LAYER_SEND_DURATION.time():
                    async with asyncio.timeout(JOIN_SECONDS):
                        await self._layer.group_send(group, message)
            except ERRORS as error:
                self._failed(error)
            else:
                metrics.CHANNEL_LAYER_SENT.inc(len(messages))

    def _take(self, most: int) -> tuple[str, list[dict[str, Any]]]:
        """Take the messages of the group whose turn it is; what it has beyond so many waits behind the other groups."""
        group = next(iter(self._outgoing))
        messages = self._outgoing.pop(group)
        taken = [messages.popleft() for _ in range(min(most, len(messages)))]
        if messages:
            self._outgoing[group] = messages
        self._waiting -= len(taken)
        metrics.CHANNEL_LAYER_QUEUE.dec(len(taken))
        return group, taken

    async def _leave(self, group: str, channel: str) -> None:
        try:
            await self._layer.group_discard(group, channel)
        except ERRORS as error:
            self._failed(error)

    def _beat(self) -> None:
        self._beat_sent = None
        if not self.is_up:
            self._set_up(True)
            logger.warning("The channel layer is back")
            self._returned()

    def _failed(self, error: BaseException) -> None:
        metrics.CHANNEL_LAYER_ERRORS.inc()
        if self.is_up:
            self._set_up(False)
            reason = f"{type(error).__name__} {error}".strip()
            logger.warning("The channel layer failed, members are served by polling: %s", reason)
            self._returned()

    def _set_up(self, is_up: bool) -> None:
        self.is_up = is_up
        metrics.CHANNEL_LAYER_UP.set(is_up)

    def _start(self, coroutine: Any) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _flush(layer: Any) -> None:
    """End the tasks and connections of a layer that is given up."""
    try:
        async with asyncio.timeout(JOIN_SECONDS):
            await layer.flush()
    except ERRORS as error:
        logger.warning("A channel layer was not closed in an orderly way: %r", error)
