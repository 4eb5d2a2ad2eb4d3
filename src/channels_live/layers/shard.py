"""The connections of channels-redis' pub/sub layer to one Redis, such that they recover by themselves.

Its own receiver wakes up ten times a second, which costs an idle process a third of its CPU time; it ends for good
where a read times out; and it waits for ever on a connection that ended in silence, because a host froze or a firewall
forgot it. tests/platform/integration/test_channel_layer.py fails when a new version does without what is replaced here.
"""

import asyncio
import logging
import math
from collections.abc import Iterable
from typing import Any

from channels_redis.pubsub import RedisSingleShardConnection
from channels_redis.utils import _close_redis
from django.db import Error as DatabaseError
from redis.exceptions import ConnectionError as RedisConnectionError

from channels_live.layers.availability import CHANNEL_LAYER_ERRORS
from channels_live.layers.prefix import async_channel_prefix
from channels_live.observability.logs import first_line
from channels_live.observability.losses import losses

logger = logging.getLogger(__name__)

# Seconds between two looks at whether anything was received; a PING goes out where nothing was. After so many looks
# without an answer the connection is replaced.
HEARTBEAT_SECONDS = 2.0
MISSED_HEARTBEATS = 3
# Seconds before a lost connection is made again, and between two attempts that fail.
LOST_SECONDS, RETRY_SECONDS = 0.1, 1.0
# Seconds that a subscription waits for Redis; after that it is made as soon as Redis answers.
SUBSCRIBE_SECONDS = 1.0
# Seconds that one message has to reach Redis: publications take turns, and without a limit each would wait for the
# time-outs of all before it.
PUBLISH_SECONDS = 1.0
# Names in one SUBSCRIBE when a connection is made again.
MAX_NAMES = 1000


class Shard(RedisSingleShardConnection):
    """The connections to one Redis: one that receives, and those that send.

    A subscription holds until it is given up, whatever becomes of the connection. What is sent while the connection is
    lost is lost too; each loss of the connection is counted and logged.
    """

    _redis: Any
    _pubsub: Any
    _receive_task: asyncio.Task[None] | None
    _subscribed_to: set[str]

    def __init__(self, host: Any, layer: Any, heartbeat_seconds: float, retry_seconds: float) -> None:
        super().__init__(host, layer)
        self._heartbeat_seconds = heartbeat_seconds
        self._retry_seconds = retry_seconds
        self._prefix: str | None = None
        self._connection: Any = None
        self._is_failing = False
        self._has_received = self._was_connected = False
        # Redis has left a subscription unconfirmed, and has sent nothing since.
        self._is_silent = False
        # By channel: done when Redis has confirmed the subscription.
        self._confirmations: dict[str, asyncio.Future[None]] = {}
        # Set once the first attempt to connect has ended, well or not.
        self._attempted = asyncio.Event()
        self._writing = asyncio.Lock()
        # Ends with the error that a command met on the connection.
        self._broken: asyncio.Future[None] | None = None
        self._changes: set[asyncio.Task[None]] = set()

    async def publish(self, channel: str, message: Any) -> None:
        """Send to a channel; raises RedisError, OSError or TimeoutError, after PUBLISH_SECONDS at the latest."""
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                name = await self._name(channel)
                try:
                    await super().publish(name, message)
                except RedisConnectionError:
                    # The connection that Redis closed when it restarted; now a new one is made.
                    await super().publish(name, message)
        except CHANNEL_LAYER_ERRORS:
            losses.sends += 1
            raise

    async def subscribe(self, channel: str) -> None:
        """Receive from a channel, from now on or from the moment at which Redis answers again.

        Returns when Redis has confirmed it, and after SUBSCRIBE_SECONDS at the latest: while Redis does not answer, at
        once.
        """
        if channel not in self._subscribed_to:
            self._subscribed_to.add(channel)
            self._confirmations[channel] = asyncio.get_running_loop().create_future()
            self._ensure_receiver()
            await self._change("SUBSCRIBE", channel)
        if (confirmation := self._confirmations.get(channel)) and not self._is_silent and self._connection:
            # Others may wait for the same confirmation, so it is not cancelled with its first waiter.
            done, _ = await asyncio.wait([confirmation], timeout=SUBSCRIBE_SECONDS)
            self._is_silent = not done

    async def unsubscribe(self, channel: str) -> None:
        """Receive no more from a channel."""
        if channel in self._subscribed_to:
            self._subscribed_to.remove(channel)
            self._confirm(channel)
            await self._change("UNSUBSCRIBE", channel)

    def _confirm(self, channel: str) -> None:
        if confirmation := self._confirmations.pop(channel, None):
            confirmation.set_result(None)

    async def flush(self) -> None:
        """Give up all subscriptions and connections."""
        self._subscribed_to = set()
        tasks = [task for task in (self._receive_task, *self._changes) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._receive_task = None
        for channel in tuple(self._confirmations):
            self._confirm(channel)
        self._attempted.clear()
        async with self._lock:
            if self._redis is not None:
                await _close_redis(self._redis)
                self._redis = self._pubsub = None

    async def _name(self, channel: str) -> str:
        if self._prefix is None:
            try:
                self._prefix = await async_channel_prefix()
            except DatabaseError as error:
                raise RedisConnectionError(f"The prefix of the channels is not known: {first_line(error)}") from error
        return self._prefix + channel

    async def _change(self, command: str, channel: str) -> None:
        """Send a command on the connection that receives; return when it is sent, or waits for Redis for too long."""
        # A task of its own: a caller that is cancelled must not take back what others rely on.
        task = asyncio.create_task(self._send(command, channel))
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        await asyncio.wait([task], timeout=SUBSCRIBE_SECONDS)

    async def _send(self, command: str, channel: str) -> None:
        await self._attempted.wait()
        async with self._writing:
            # Without a connection, the next one subscribes to everything.
            connection, broken = self._connection, self._broken
            if connection is None or broken is None or broken.done():
                return
            try:
                await connection.send_command(command, await self._name(channel))
            except CHANNEL_LAYER_ERRORS as error:
                if not broken.done():
                    broken.set_exception(error)

    async def _do_receiving(self) -> None:
        while True:
            try:
                await self._receive_until_broken()
            except Exception as error:
                reason = first_line(error) or type(error).__name__
                log = logger.debug if self._is_failing else logger.warning
                log("Nothing is received from Redis until it answers; what is sent meanwhile is lost: %s", reason)
                losses.interruptions += not self._is_failing
                self._is_failing = True
            finally:
                self._attempted.set()
            # At once where it was a connection that ended: what is sent meanwhile is lost.
            await asyncio.sleep(LOST_SECONDS if self._was_connected else self._retry_seconds)

    async def _receive_until_broken(self) -> None:
        """Connect, subscribe to everything, and receive; raises what ends the connection."""
        self._was_connected = False
        self._ensure_redis()
        pool = self._redis.connection_pool
        async with asyncio.timeout(MISSED_HEARTBEATS * self._heartbeat_seconds):
            prefix = await self._name("")
            connection = await pool.get_connection()
        tasks: set[asyncio.Future[None]] = set()
        try:
            async with asyncio.timeout(MISSED_HEARTBEATS * self._heartbeat_seconds), self._writing:
                for names in _batches([prefix + name for name in self._subscribed_to]):
                    await connection.send_command("SUBSCRIBE", *names)
                self._connection, self._broken = connection, asyncio.get_running_loop().create_future()
            self._attempted.set()
            self._was_connected = True
            tasks = {
                asyncio.ensure_future(self._read(connection, len(prefix))),
                asyncio.ensure_future(self._watch(connection)),
                self._broken,
            }
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._connection = self._broken = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await connection.disconnect(nowait=True)
            await pool.release(connection)

    async def _read(self, connection: Any, prefix_length: int) -> None:
        while True:
            # As PubSub does it, but without its reconnecting: that would subscribe behind our back.
            response = await connection.read_response(timeout=math.inf, disconnect_on_error=False, push_request=True)
            self._has_received = True
            self._is_silent = False
            if self._is_failing:
                self._is_failing = False
                logger.warning("Reconnected to Redis, receiving again")
            if isinstance(response, list) and response[0] == b"message":
                name = response[1].decode()[prefix_length:]
                self._receive_message({"channel": name, "data": response[2]})
            elif isinstance(response, list) and response[0] == b"subscribe":
                self._confirm(response[1].decode()[prefix_length:])

    async def _watch(self, connection: Any) -> None:
        """Return never; raises TimeoutError where the connection is silent."""
        missed = 0
        while True:
            self._has_received = False
            await asyncio.sleep(self._heartbeat_seconds)
            if self._has_received:
                missed = 0
                continue
            if (missed := missed + 1) > MISSED_HEARTBEATS:
                raise TimeoutError("Redis does not answer")
            async with asyncio.timeout(self._heartbeat_seconds), self._writing:
                await connection.send_command("PING")


def _batches(names: list[str]) -> Iterable[list[str]]:
    return (names[begin : begin + MAX_NAMES] for begin in range(0, len(names), MAX_NAMES))
