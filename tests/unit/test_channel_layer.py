"""`manage.py check_channel_layer` and the layer of ws, with a real Redis and with none."""

import asyncio
import contextlib
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from deploy.local import Part, Stack
from ws.channel_layer import ChannelLayer


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Part]:
    part = Stack(tmp_path).part("redis")
    part.start()
    part.wait_ready()
    yield part
    part.stop()


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


async def test_the_layer_of_ws_sleeps_until_a_message_comes(redis, monkeypatch):
    reads = 0
    read = PubSub.get_message

    async def counted(*arguments, **options):
        nonlocal reads
        reads += 1
        return await read(*arguments, **options)

    monkeypatch.setattr(PubSub, "get_message", counted)
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


async def test_the_layer_of_ws_goes_on_receiving_when_redis_is_back(redis):
    layer = ChannelLayer(hosts=[redis.url])
    channel = await layer.new_channel()
    await layer.send(channel, {"type": "before"})
    assert (await layer.receive(channel))["type"] == "before"
    await asyncio.to_thread(redis.kill)
    await asyncio.to_thread(redis.start)
    await asyncio.to_thread(redis.wait_ready)
    received = asyncio.create_task(layer.receive(channel))
    async with asyncio.timeout(20):
        while not received.done():  # what is sent before it has subscribed again is lost
            with contextlib.suppress(RedisError):
                await layer.send(channel, {"type": "after"})
            await asyncio.wait([received], timeout=0.1)
    assert received.result()["type"] == "after"
    await layer.flush()
