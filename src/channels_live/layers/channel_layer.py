"""channels-redis' pub/sub layer with a prefix for the installation, and with connections that recover by themselves.

Two things are ours: the connections (channels_live.layers.shard), and channels whose messages go to a receiver.
"""

import asyncio
import secrets
from typing import Any, Protocol

from channels_redis.pubsub import RedisPubSubChannelLayer

from channels_live.layers.shard import HEARTBEAT_SECONDS, RETRY_SECONDS, Shard


class Receiver(Protocol):
    """Takes what arrives on a channel in the place of a queue. ``groups`` are those that the layer has added it to."""

    groups: tuple[str, ...]

    def put_nowait(self, data: bytes) -> None:
        """Take a message that ``ChannelLayer.deserialize`` can read; it may not block."""


class ChannelLayer(RedisPubSubChannelLayer):
    """The layer, with such connections to each Redis. Two instances share nothing."""

    def __init__(
        self,
        *arguments: Any,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self._shard_options = heartbeat_seconds, retry_seconds

    async def open_channel(self, receiver: Receiver) -> str:
        """Return a new channel as ``new_channel`` does, whose messages are given to ``receiver`` as they arrive.

        It costs no task and no queue. ``close_channel`` ends it.
        """
        layer = self._get_layer()
        channel = f"{layer.prefix}specific.{secrets.token_urlsafe(12)}"
        layer.channels[channel] = receiver
        try:
            await layer._get_shard(channel).subscribe(channel)
        except BaseException:
            # The consumer is cancelled, and will not close a channel whose name it was not told.
            await self.close_channel(channel)
            raise
        return channel

    async def close_channel(self, channel: str) -> None:
        """End a channel of ``open_channel``, and remove it from all groups."""
        layer = self._get_layer()
        if receiver := layer.channels.pop(channel, None):
            for group in receiver.groups:
                await layer.group_discard(group, channel)
            await layer._get_shard(channel).unsubscribe(channel)

    async def group_add(self, group: str, channel: str) -> None:
        """Add a channel of this process to a group; raises RuntimeError for any other channel.

        Where Redis does not answer, the channel is in the group as soon as it does.
        """
        layer = self._get_layer()
        receiver = layer.channels.get(channel)
        if receiver is not None and not isinstance(receiver, asyncio.Queue) and group not in receiver.groups:
            receiver.groups = (*receiver.groups, group)
        await layer.group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Remove a channel from a group; harmless where it is not in it."""
        layer = self._get_layer()
        receiver = layer.channels.get(channel)
        if receiver is not None and not isinstance(receiver, asyncio.Queue):
            receiver.groups = tuple(name for name in receiver.groups if name != group)
        await layer.group_discard(group, channel)

    def _get_layer(self) -> Any:
        is_new = asyncio.get_running_loop() not in self._layers
        layer = super()._get_layer()
        if is_new:
            layer._shards = [Shard(shard.host, layer, *self._shard_options) for shard in layer._shards]
        return layer
