"""`manage.py check_channel_layer` and the channel layer of both services, with a real Redis and with none."""

import asyncio
import contextlib
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from redis import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from channels_live.layers.channel_layer import ChannelLayer
from channels_live.observability import readiness as health
from channels_live.testing import redis_process
from deploy.local import Process


@pytest.fixture
def redis(tmp_path: Path, settings) -> Iterator[Process]:
    settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"CHANNEL_PREFIX": "test"}
    process = redis_process(tmp_path)
    process.start()
    process.wait_ready()
    yield process
    process.stop()


def use(settings, url: str) -> None:
    backend = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": {"hosts": [{"address": url}]}}}


def test_it_prints_the_round_trip_time(settings, redis):
    use(settings, redis.url)
    output = StringIO()
    call_command("check_channel_layer", stdout=output)
    assert re.fullmatch(r"The channel layer works: \d+\.\d ms there and back\.\n", output.getvalue())


def test_without_redis_it_fails_with_one_sentence(settings, redis):
    use(settings, redis.url)
    redis.kill()
    with pytest.raises(CommandError, match=r"^The channel layer [^\n]+$"):
        call_command("check_channel_layer")


async def test_the_layer_sleeps_until_a_message_comes(redis, monkeypatch):
    reads = 0
    read = AbstractConnection.read_response

    async def counted(*arguments, **options):
        nonlocal reads
        reads += 1
        return await read(*arguments, **options)

    monkeypatch.setattr(AbstractConnection, "read_response", counted)
    layer = ChannelLayer(hosts=[redis.url])
    channel = await layer.new_channel()
    await layer.group_add("room", channel)
    for number in range(3):
        await layer.group_send("room", {"type": "event", "number": number})
        assert (await layer.receive(channel))["number"] == number
    before = reads
    # Five of the reads that channels-redis' own receiver would make.
    await asyncio.sleep(0.5)
    assert reads == before
    await layer.group_send("room", {"type": "event", "number": 3})
    assert (await layer.receive(channel))["number"] == 3
    await layer.flush()


@contextlib.asynccontextmanager
async def layer_of(url: str) -> AsyncIterator[ChannelLayer]:
    """A layer that notices a silent connection after half a second."""
    # What a command waits for is the same as in base.settings, in short.
    host = {"address": url, "retry": Retry(NoBackoff(), 0), "socket_connect_timeout": 0.3, "socket_timeout": 0.3}
    layer = ChannelLayer(hosts=[host], heartbeat_seconds=0.1, retry_seconds=0.1)
    yield layer
    await layer.flush()


class Consumer:
    """Waits on its channel as a consumer of Channels does, from its first message to its last."""

    def __init__(self, layer: ChannelLayer) -> None:
        self.layer = layer
        self.received: asyncio.Queue[str] = asyncio.Queue()

    async def __aenter__(self) -> "Consumer":
        channel = await self.layer.new_channel()
        await self.layer.group_add("room", channel)
        self.task = asyncio.create_task(self.receive(channel))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def receive(self, channel: str) -> None:
        while True:
            self.received.put_nowait((await self.layer.receive(channel))["type"])

    async def gets(self, name: str) -> None:
        """Return when a message of that type has come, which is sent to the group until then."""
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(RedisError, OSError):
                    await self.layer.group_send("room", {"type": name})
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        while await self.received.get() != name:
                            pass
                        return


class ForgetfulNetwork:
    """A network between the layer and Redis that can forget its connections: they stay open, and nothing passes."""

    def __init__(self, url: str) -> None:
        self.port = urlsplit(url).port
        self.remembered: set[asyncio.Task[None]] = set()
        self.made = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "ForgetfulNetwork":
        self.server = await asyncio.start_server(self.connect, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        self.forget()
        for writer in self.writers:
            writer.transport.abort()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers += [writer, their_writer]
        self.made += 1
        for source, target in ((reader, their_writer), (their_reader, writer)):
            self.remembered.add(asyncio.create_task(self.pass_on(source, target)))

    async def pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()

    def forget(self) -> None:
        for task in self.remembered:
            task.cancel()
        self.remembered.clear()


def killed(redis: Process) -> None:
    redis.kill()
    redis.start()
    redis.wait_ready()


def frozen(redis: Process) -> None:
    redis.signal(signal.SIGSTOP)
    time.sleep(1)  # longer than the layer takes to give its connection up
    redis.signal(signal.SIGCONT)


def cut(redis: Process) -> None:
    with Redis.from_url(redis.url) as client:
        assert client.client_kill_filter(_type="pubsub") == 1


@pytest.mark.parametrize("outage", [killed, frozen, cut])
async def test_a_consumer_gets_messages_again_after_redis_was(redis, outage):
    async with layer_of(redis.url) as layer, Consumer(layer) as consumer:
        await consumer.gets("before")
        await asyncio.to_thread(outage, redis)
        await consumer.gets("after")


async def test_a_consumer_gets_messages_again_after_its_connection_ended_in_silence(redis):
    async with ForgetfulNetwork(redis.url) as network, layer_of(network.url) as layer, Consumer(layer) as consumer:
        await consumer.gets("before")
        network.forget()
        await consumer.gets("after")


async def test_a_consumer_that_comes_while_redis_is_away_gets_messages_when_it_is_back(redis):
    redis.kill()
    async with layer_of(redis.url) as layer, Consumer(layer) as consumer:
        redis.start()
        await asyncio.to_thread(redis.wait_ready)
        await consumer.gets("after")


async def test_a_group_that_was_left_is_not_subscribed_to_again(redis):
    async with layer_of(redis.url) as layer, Consumer(layer) as consumer:
        channel = await layer.new_channel()
        await layer.group_add("left", channel)
        await layer.group_discard("left", channel)
        await consumer.gets("before")
        await asyncio.to_thread(cut, redis)
        await consumer.gets("after")
        with Redis.from_url(redis.url) as client:
            groups = [name for name in client.pubsub_channels() if b"__group__" in name]
    assert [name.decode().partition("__group__")[2] for name in groups] == ["room"]


async def test_a_quiet_connection_is_not_replaced(redis):
    async with ForgetfulNetwork(redis.url) as network, layer_of(network.url) as layer, Consumer(layer) as consumer:
        await consumer.gets("before")
        made = network.made
        await asyncio.sleep(1)  # twice what silence is allowed
        await consumer.gets("after")
        assert network.made == made


async def test_a_consumer_that_is_cancelled_takes_no_subscription_of_another(redis):
    async with layer_of(redis.url) as layer, Consumer(layer) as consumer:
        other = await layer.new_channel()
        joining = asyncio.create_task(layer.group_add("room-2", other))
        await asyncio.sleep(0)
        joining.cancel()
        await asyncio.gather(joining, return_exceptions=True)
        await layer.group_add("room-2", other)
        await layer.group_send("room-2", {"type": "event"})
        async with asyncio.timeout(5):
            assert (await layer.receive(other))["type"] == "event"
        assert consumer.received.empty()


async def test_nothing_of_one_installation_reaches_another(redis, settings):
    """Whatever the database number says: pub/sub ignores it."""
    heard: dict[str, list[str]] = {}
    layers = {}
    for number, prefix in enumerate(("one", "two")):
        settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"CHANNEL_PREFIX": prefix}
        layer = layers[prefix] = ChannelLayer(hosts=[redis.url.replace("/0", f"/{number}")])
        channel = await layer.new_channel()
        await layer.group_add("room", channel)
        heard[prefix] = [channel]
    for prefix, layer in layers.items():
        await layer.group_send("room", {"type": f"group {prefix}"})
        await layer.send("background-work", {"type": "work"})
    for prefix, layer in layers.items():
        settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"CHANNEL_PREFIX": prefix}
        async with asyncio.timeout(5):
            assert (await layer.receive(heard[prefix][0]))["type"] == f"group {prefix}"
        # Theirs was sent before, or after ours; what comes next is the third.
        await layer.group_send("room", {"type": "last"})
        async with asyncio.timeout(5):
            assert (await layer.receive(heard[prefix][0]))["type"] == "last"
    with Redis.from_url(redis.url) as client:
        assert {name.partition(b":")[0] for name in client.pubsub_channels()} == {b"one", b"two"}
    for layer in layers.values():
        await layer.flush()


# As docs/security.md has it.
RIGHTS = "resetkeys resetchannels &test:* -@all +publish +subscribe +unsubscribe +ping +select +hello"


def user_with(redis: Process, rights: str) -> str:
    """Make a user, and return its address."""
    with Redis.from_url(redis.url) as client:
        client.execute_command("ACL", "SETUSER", "chat", "on", ">secret", *rights.split())
    return redis.url.replace("//", "//chat:secret@")


@pytest.mark.django_db
async def test_the_rights_that_are_documented_are_enough(redis, settings):
    url = user_with(redis, RIGHTS)
    settings.REDIS_HOSTS = [{"address": url}]
    _, body = await asyncio.to_thread(health.readiness)
    assert body["redis"] == "ok"
    async with layer_of(url) as layer, Consumer(layer) as consumer:
        await consumer.gets("a message")


@pytest.mark.django_db
@pytest.mark.parametrize("taken", ["resetchannels", "-subscribe", "-publish"])
async def test_a_right_that_is_missing_is_named_by_readiness_and_by_an_error_or_the_log(redis, settings, caplog, taken):
    url = user_with(redis, f"{RIGHTS} {taken}")
    settings.REDIS_HOSTS = [{"address": url}]
    _, body = await asyncio.to_thread(health.readiness)
    assert "no permissions" in body["redis"].lower()
    async with layer_of(url) as layer:
        channel = await layer.new_channel()
        with contextlib.suppress(RedisError):
            await layer.send(channel, {"type": "check"})
            async with asyncio.timeout(10):
                while "no permissions" not in caplog.text.lower():  # noqa: ASYNC110  # logs tell nobody
                    await asyncio.sleep(0.01)


class Received:
    """A receiver in the place of a queue."""

    def __init__(self, layer: ChannelLayer) -> None:
        self.layer = layer
        self.groups: tuple[str, ...] = ()
        self.messages: asyncio.Queue[str] = asyncio.Queue()

    def put_nowait(self, data: bytes) -> None:
        self.messages.put_nowait(self.layer.deserialize(data)["type"])

    async def next(self) -> str:
        async with asyncio.timeout(10):
            return await self.messages.get()


async def subscribed(redis: Process) -> list[str]:
    def names() -> list[str]:
        with Redis.from_url(redis.url) as client:
            return [name.decode().partition("asgi")[2] for name in client.pubsub_channels()]

    return await asyncio.to_thread(names)


async def test_a_receiver_takes_what_its_channel_and_its_groups_are_sent(redis):
    async with layer_of(redis.url) as layer:
        received = Received(layer)
        channel = await layer.open_channel(received)
        for group in ("first", "second"):
            await layer.group_add(group, channel)
        await layer.group_send("first", {"type": "to the first"})
        await layer.send(channel, {"type": "to the channel"})
        await layer.group_send("second", {"type": "to the second"})
        assert [await received.next() for _ in range(3)] == ["to the first", "to the channel", "to the second"]
        await layer.group_discard("first", channel)
        await layer.group_send("first", {"type": "to nobody"})
        await layer.group_send("second", {"type": "the last"})
        assert await received.next() == "the last"


async def test_a_closed_channel_is_in_no_group_and_subscribed_to_no_more(redis):
    async with layer_of(redis.url) as layer:
        channel = await layer.open_channel(Received(layer))
        await layer.group_add("room", channel)
        assert len(await subscribed(redis)) == 2
        await layer.close_channel(channel)
        async with asyncio.timeout(10):
            while await subscribed(redis):
                pass
        with pytest.raises(RuntimeError, match="exist in-process"):
            await layer.group_add("room", channel)


async def test_a_subscription_is_confirmed_when_the_call_returns(redis):
    async with layer_of(redis.url) as layer:
        for number in range(100):
            channel = await layer.open_channel(Received(layer))
            await layer.group_add(f"room-{number}", channel)
            assert {f"__group__room-{number}", channel.removeprefix("asgi")} <= set(await subscribed(redis))


async def test_sends_to_a_redis_that_is_frozen_fail_together_within_their_time(redis):
    layer = ChannelLayer(hosts=[redis.url])
    await layer.send("anyone", {"type": "before"})
    redis.signal(signal.SIGSTOP)
    try:
        started_at = time.monotonic()
        sends = [layer.group_send("room", {"type": "lost"}) for _ in range(20)]
        results = await asyncio.gather(*sends, return_exceptions=True)
        assert all(isinstance(result, TimeoutError | RedisError) for result in results)
        # One after the other they would take 20 s.
        assert time.monotonic() - started_at < 10
    finally:
        redis.signal(signal.SIGCONT)
    await layer.flush()
