"""The worker's publisher against a real Redis, and against none."""

import asyncio
import logging
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from channels.layers import get_channel_layer

from channels_live.layers.group_sender import SEND_SECONDS, messages_of
from channels_live.layers.publisher import Publisher
from channels_live.testing import redis_process
from deploy.local import Process


@pytest.fixture
def redis(tmp_path: Path, settings) -> Iterator[Process]:
    process = redis_process(tmp_path)
    process.start()
    process.wait_ready()
    settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"CHANNEL_PREFIX": "test"}
    (host,) = settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"]
    layer = {**settings.CHANNEL_LAYERS["default"], "CONFIG": {"hosts": [{**host, "address": process.url}]}}
    settings.CHANNEL_LAYERS = {"default": layer}
    yield process
    process.stop()


class Listener:
    """A member of the group ``g``."""

    async def __aenter__(self) -> "Listener":
        self.layer = get_channel_layer()
        self.received: deque[dict] = deque()
        self.channel = await self.layer.new_channel()
        await self.layer.group_add("g", self.channel)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.layer.flush()

    async def number(self) -> int:
        """Return the number of the next message; several may arrive as one batch."""
        if not self.received:
            async with asyncio.timeout(5):
                self.received.extend(messages_of(await self.layer.receive(self.channel)))
        return self.received.popleft()["number"]


def message(number: int) -> dict:
    return {"type": "event", "number": number}


async def test_messages_arrive_in_order(redis):
    publisher = Publisher()
    async with Listener() as listener:
        for number in range(100):
            publisher.publish("g", message(number))
        assert [await listener.number() for _ in range(100)] == list(range(100))


async def test_any_number_of_threads_share_one_publisher_thread(redis):
    publisher = Publisher()
    before = threading.active_count()
    async with Listener() as listener:
        threads = [threading.Thread(target=publisher.publish, args=("g", message(number))) for number in range(20)]
        for thread in threads:
            thread.start()
        assert {await listener.number() for _ in range(20)} == set(range(20))
        for thread in threads:
            thread.join()
    assert threading.active_count() == before + 1


def test_nothing_is_started_before_the_first_message():
    before = threading.active_count()
    Publisher()
    assert threading.active_count() == before


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def test_without_redis_nobody_waits_and_the_log_says_it_once(redis, caplog):
    publisher = Publisher()
    redis.signal(signal.SIGSTOP)
    started = time.monotonic()
    with caplog.at_level(logging.WARNING, "channels_live.layers.availability"):
        for number in range(1000):
            publisher.publish("g", message(number))
        # Callers who waited would have waited for 1,000 s in all.
        assert time.monotonic() - started < 30 * SEND_SECONDS
        redis.kill()
        # The publisher's own thread may not have had its turn yet.
        await asyncio.to_thread(wait_until, lambda: caplog.records)
        redis.start()
        redis.wait_ready()
        async with Listener() as listener:
            publisher.publish("g", message(-1))
            while await listener.number() != -1:
                pass
    availability = [r.getMessage() for r in caplog.records if r.name == "channels_live.layers.availability"]
    failed, back = availability
    assert failed.startswith("Channel layer unavailable")
    assert back == "Channel layer available again"


async def test_a_redis_that_was_restarted_is_used_again_at_once(redis):
    publisher = Publisher()
    async with Listener() as listener:
        publisher.publish("g", message(1))
        assert await listener.number() == 1
    redis.kill()
    redis.start()
    redis.wait_ready()
    async with Listener() as listener:
        publisher.publish("g", message(2))
        assert await listener.number() == 2


async def test_what_waits_is_bounded_and_the_oldest_is_dropped(redis):
    publisher = Publisher(max_waiting=10)
    async with Listener() as listener:
        publisher.publish("g", message(-1))
        assert await listener.number() == -1
        redis.signal(signal.SIGSTOP)
        for number in range(100):
            publisher.publish("g", message(number))
        redis.signal(signal.SIGCONT)
        numbers: list[int] = []
        while 99 not in numbers:
            numbers.append(await listener.number())
    # What was on its way when Redis stopped, then the newest that may wait.
    assert len(numbers) < 100
    assert numbers[-10:] == list(range(90, 100))


async def test_a_message_that_cannot_be_encoded_stops_nothing(redis, caplog):
    publisher = Publisher()
    async with Listener() as listener:
        publisher.publish("g", {"type": "event", "number": object()})
        publisher.publish("g", message(1))
        assert await listener.number() == 1
    assert "Dropped" in caplog.text
