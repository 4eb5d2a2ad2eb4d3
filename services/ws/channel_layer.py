"""channels-redis' pub/sub layer, which sleeps until there is something to receive.

Its own receiver gives up and begins anew ten times a second, which costs an idle process a third of its CPU time, and
ends for good where a read times out. tests/unit/test_channel_layer.py fails when a new version does without what is
replaced here.
"""

import asyncio
import logging
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisSingleShardConnection

logger = logging.getLogger(__name__)

# Until the first group is joined, and after an error.
SUBSCRIBE_SECONDS, RETRY_SECONDS = 0.1, 1.0


class Shard(RedisSingleShardConnection):
    """The connections to one Redis."""

    async def _do_receiving(self) -> None:
        while True:
            try:
                if self._pubsub and self._pubsub.subscribed:
                    self._receive_message(await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=None))
                else:
                    await asyncio.sleep(SUBSCRIBE_SECONDS)
            except Exception as error:
                # That the channel layer is away, ws.wire says once.
                logger.debug("Nothing can be received from Redis: %r", error)
                await asyncio.sleep(RETRY_SECONDS)


class ChannelLayer(RedisPubSubChannelLayer):
    """The layer, with such a connection for each Redis."""

    def _get_layer(self) -> Any:
        is_new = asyncio.get_running_loop() not in self._layers
        layer = super()._get_layer()
        if is_new:
            layer._shards = [Shard(shard.host, layer) for shard in layer._shards]
        return layer
