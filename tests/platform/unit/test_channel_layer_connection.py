"""The channel-layer connection on its own, against a channel layer that is slow at the wrong moment."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from channels_live.hub.connection import ChannelLayerConnection
from tests.support.hub import SECONDS, Broker


class SlowLayer:
    """Knows groups and channels, and takes a moment for everything, as Redis does."""

    def __init__(self) -> None:
        self.channels: dict[str, asyncio.Queue[Any]] = {}
        self.groups: dict[str, set[str]] = defaultdict(set)
        self.sent: list[tuple[str, Any]] = []
        self.may_send = asyncio.Event()
        self.may_send.set()

    async def new_channel(self) -> str:
        await asyncio.sleep(0.01)
        name = f"channel-{len(self.channels)}"
        self.channels[name] = asyncio.Queue()
        return name

    async def receive(self, channel: str) -> Any:
        return await self.channels[channel].get()

    async def send(self, channel: str, message: Any) -> None:
        self.channels[channel].put_nowait(message)

    async def group_add(self, group: str, channel: str) -> None:
        await asyncio.sleep(0.01)
        self.groups[group].add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        await asyncio.sleep(0.01)
        self.groups[group].discard(channel)

    async def group_send(self, group: str, message: Any) -> None:
        await self.may_send.wait()
        self.sent.append((group, message))
        for channel in self.groups[group]:
            await self.send(channel, message)


@pytest.fixture
def layer() -> SlowLayer:
    return SlowLayer()


def connect(layer: SlowLayer, receive: Callable[[Any], None] = lambda message: None, **options: Any) -> Any:
    return ChannelLayerConnection(receive, lambda: None, new_layer=lambda: layer, **options)


async def received_once(layer: SlowLayer, received: list[Any]) -> bool:
    """Whether one message to room-0 is received, and only once."""
    await layer.group_send("room-0", {"type": "typing"})
    await asyncio.sleep(0.05)
    return received == [{"type": "typing"}]


async def test_rooms_entered_in_one_moment_share_one_channel(layer):
    received: list[Any] = []
    subject = connect(layer, received.append)
    # Twice, as rooms are joined again after an outage.
    for _ in range(2):
        await asyncio.gather(*(subject.join(f"room-{number}") for number in range(5)))
    assert len(layer.channels) == 1
    assert await received_once(layer, received)


@pytest.mark.parametrize("seconds_between", [0, 0.005, 0.015])
async def test_a_room_that_is_left_and_entered_again_in_one_moment_is_heard(layer, seconds_between):
    received: list[Any] = []
    subject = connect(layer, received.append)
    await subject.join("room-0")
    subject.leave("room-0")
    await asyncio.sleep(seconds_between)
    await subject.join("room-0")
    assert await received_once(layer, received)


def numbered(number: int) -> dict[str, Any]:
    return {"type": "event", "number": number}


def numbers(message: dict[str, Any]) -> list[int]:
    return [each["number"] for each in (message["messages"] if message["type"] == "batch" else [message])]


async def until_all_is_taken(layer: SlowLayer) -> None:
    """Return when what was sent to the channels has been received."""
    async with asyncio.timeout(5):
        while not all(queue.empty() for queue in layer.channels.values()):  # noqa: ASYNC110  # they tell nobody
            await asyncio.sleep(0)
    await asyncio.sleep(0)  # the turn of who took the last


async def test_messages_that_wait_for_redis_go_out_as_one_and_arrive_as_many(layer):
    subject = connect(layer)
    layer.may_send.clear()
    for number in range(40):
        subject.send("room-0", numbered(number))
        await asyncio.sleep(0)
    layer.may_send.set()
    await subject.close()
    # The first was on its way, then as many as one may hold.
    assert [numbers(message) for _, message in layer.sent] == [[0], [*range(1, 33)], [*range(33, 40)]]
    received: list[Any] = []
    subject = connect(layer, received.append)
    await subject.join("room-0")
    for _, message in layer.sent[:]:
        await layer.group_send("room-0", message)
    await until_all_is_taken(layer)
    assert received == [numbered(number) for number in range(40)]


async def test_a_busy_group_lets_the_others_have_their_turn(layer):
    subject = connect(layer)
    layer.may_send.clear()
    for number in range(100):
        subject.send("busy", numbered(number))
    subject.send("quiet", numbered(0))
    layer.may_send.set()
    await subject.close()
    assert [group for group, _ in layer.sent] == ["busy", "quiet", "busy", "busy", "busy"]
    busy = [number for group, message in layer.sent if group == "busy" for number in numbers(message)]
    assert busy == [*range(100)]


async def test_one_message_that_nobody_understands_does_not_cost_the_others(layer):
    received: list[int] = []
    subject = connect(layer, lambda message: received.append(message["number"]))
    await subject.join("room-0")
    await layer.group_send("room-0", {"type": "batch", "messages": [numbered(1), {"type": "event"}, numbered(2)]})
    await until_all_is_taken(layer)
    assert received == [1, 2]


async def test_beyond_what_may_wait_the_oldest_is_dropped(layer):
    subject = connect(layer, max_waiting=3)
    for number in range(5):
        subject.send("room-0", numbered(number))
    await subject.close()
    assert [numbers(message) for _, message in layer.sent] == [[2, 3, 4]]


async def test_a_connection_that_was_not_asked_for_long_has_not_failed():
    broker, returned = Broker(), asyncio.Event()
    # Any silence is too long, as after a round of the hub in which the database did not answer.
    connection = ChannelLayerConnection(
        lambda message: None, lambda: None, new_layer=broker.new_layer, heartbeat_timeout=0, stale_seconds=0
    )
    heartbeat_returned = connection._heartbeat_returned
    connection._heartbeat_returned = lambda: (heartbeat_returned(), returned.set())  # type: ignore[method-assign]
    await connection.heartbeat()
    await asyncio.wait_for(returned.wait(), SECONDS)
    (layer,) = broker.layers
    await connection.heartbeat()
    assert connection.is_up
    assert broker.layers == [layer]
    await connection.close()
