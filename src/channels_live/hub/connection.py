"""A hub's connection to the channel layer. It may be down at any time; nothing here waits for it long."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import channel_layers

from channels_live.hub.connection_metrics import ConnectionMetrics
from channels_live.layers.availability import CHANNEL_LAYER_ERRORS, Availability
from channels_live.layers.group_sender import MAX_WAITING, GroupSender, messages_of
from channels_live.observability import metrics

logger = logging.getLogger(__name__)

# For one answer of Redis.
ANSWER_SECONDS = 1.0
# A heartbeat that has not come back for so long means that the channel layer is down.
HEARTBEAT_TIMEOUT_SECONDS = 3.0
# After so long the channel layer is stale, and replaced: a connection that only reads never learns that it has ended.
STALE_SECONDS = 10.0


def new_channel_layer() -> Any:
    """Return a channel layer as it is configured, with connections of its own.

    Never the process's default one: Channels' consumers hold on to that, and to the channels that they have in it.
    """
    return channel_layers.make_backend(DEFAULT_CHANNEL_LAYER)


class ChannelLayerConnection:
    """Sends to groups, and receives from all groups joined, over one channel. Make it inside the event loop.

    ``receive`` is called with every message received. ``on_change`` is called when the channel layer has become
    unavailable, and when it is available again; ``new_layer`` makes a channel layer.
    """

    def __init__(
        self,
        receive: Callable[[dict[str, Any]], None],
        on_change: Callable[[], None],
        *,
        new_layer: Callable[[], Any] = new_channel_layer,
        heartbeat_timeout: float = HEARTBEAT_TIMEOUT_SECONDS,
        stale_seconds: float = STALE_SECONDS,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._receive = receive
        self._new_layer = new_layer
        self._heartbeat_timeout = heartbeat_timeout
        self._stale_seconds = stale_seconds
        self._layer = new_layer()
        counters = ConnectionMetrics()
        self._availability = Availability(counters, on_change)
        # Not up again after a successful send: only a heartbeat shows that messages are received too.
        self._sender = GroupSender(lambda: self._layer, self._availability, counters, max_waiting=max_waiting)
        self._channel: str | None = None
        self._joined: set[str] = set()
        self._opening = asyncio.Lock()
        self._receiver: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        # When the first heartbeat was sent that has not come back; None where none is under way.
        self._heartbeat_sent_at: float | None = None

    @property
    def is_up(self) -> bool:
        """Whether this process sends and receives through the channel layer; without it the hub polls the journal."""
        return self._availability.is_up

    async def join(self, group: str) -> None:
        """Join a group, if Redis answers in time; joining again is harmless."""
        if not self.is_up:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._layer.group_add(group, await self._open())
        except CHANNEL_LAYER_ERRORS as error:
            self._availability.failed(error)
            return
        self._joined.add(group)

    def has_joined(self, group: str) -> bool:
        """Whether Redis has confirmed that this process is in the group."""
        return group in self._joined

    def leave(self, group: str) -> None:
        """Leave a group, in the background; a join that follows comes after it."""
        self._joined.discard(group)
        if self._channel:
            self._start(self._leave(group, self._channel))

    def send(self, group: str, message: dict[str, Any]) -> None:
        """Send to a group, in the background and in order. What cannot be sent is dropped."""
        self._sender.send(group, message)

    async def heartbeat(self) -> None:
        """Send a heartbeat to this process, and examine whether the last came back; call it every few seconds."""
        # Not since the last one came back: the caller may have waited for the database meanwhile.
        silence = 0.0 if self._heartbeat_sent_at is None else time.monotonic() - self._heartbeat_sent_at
        if silence > self._heartbeat_timeout:
            self._availability.failed(TimeoutError("the process does not receive its own heartbeat"))
        if silence > self._stale_seconds:
            self._reconnect()
        if self._heartbeat_sent_at is None:
            self._heartbeat_sent_at = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._layer.send(await self._open(), {"type": "heartbeat"})
        except CHANNEL_LAYER_ERRORS as error:
            self._availability.failed(error)

    def _reconnect(self) -> None:
        """Replace the channel layer; groups are joined again once a heartbeat has come back."""
        if self._receiver:
            self._receiver.cancel()
        self._start(_flush(self._layer))
        self._layer = self._new_layer()
        self._sender.restart()
        self._channel = None
        self._opening = asyncio.Lock()
        self._joined.clear()
        self._heartbeat_sent_at = None

    async def close(self) -> None:
        """Send what waits, for at most a second, then stop sending and receiving."""
        await self._sender.close()
        tasks = [task for task in (self._receiver, *self._tasks) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _open(self) -> str:
        # One channel, however many groups are joined in the same moment: from a group that is joined over a second
        # one, messages would come twice, and for ever.
        async with self._opening:
            if self._channel is None:
                self._channel = await self._layer.new_channel()
                self._receiver = asyncio.create_task(self._receive_all(self._channel))
        return self._channel

    async def _receive_all(self, channel: str) -> None:
        while True:
            try:
                message = await self._layer.receive(channel)
                if message["type"] == "heartbeat":
                    self._heartbeat_returned()
                else:
                    self._receive_each(messages_of(message))
            except Exception:
                logger.exception("Dropped an unreadable message from the channel layer")

    def _receive_each(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            metrics.CHANNEL_LAYER_RECEIVED.inc()
            try:
                self._receive(message)
            except Exception:
                logger.exception("Dropped a message from the channel layer, its handler failed")

    async def _leave(self, group: str, channel: str) -> None:
        try:
            await self._layer.group_discard(group, channel)
        except CHANNEL_LAYER_ERRORS as error:
            self._availability.failed(error)

    def _heartbeat_returned(self) -> None:
        self._heartbeat_sent_at = None
        self._availability.recovered()

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _flush(layer: Any) -> None:
    """End the tasks and connections of a channel layer that was replaced."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await layer.flush()
    except CHANNEL_LAYER_ERRORS as error:
        logger.warning("Failed to close the replaced channel layer, its connections may stay open: %r", error)
