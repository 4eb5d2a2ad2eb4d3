"""The wire on its own, against a channel layer that is slow at the wrong moment."""

import asyncio
from collections import defaultdict
from typing import Any

import pytest

from ws import wire
from ws.wire import Wire


class SlowLayer:
    """Knows groups and channels, and takes a moment for everything, as Redis does."""

    def __init__(self) -> None:
        self.channels: dict[str, asyncio.Queue[Any]] = {}
        self.groups: dict[str, set[str]] = defaultdict(set)

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
        for channel in self.groups[group]:
            await self.send(channel, message)


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> SlowLayer:
    layer = SlowLayer()
    monkeypatch.setattr(wire, "get_channel_layer", lambda: layer)
    return layer


async def heard_once(layer: SlowLayer, received: list[Any]) -> bool:
    """Whether one message to room-0 is received, and only once."""
    await layer.group_send("room-0", {"type": "typing"})
    await asyncio.sleep(0.05)
    return received == [{"type": "typing"}]


async def test_rooms_entered_in_one_moment_share_one_channel(layer):
    received: list[Any] = []
    subject = Wire(received.append, lambda: None)
    # Twice, as rooms are joined again after an outage.
    for _ in range(2):
        await asyncio.gather(*(subject.join(f"room-{number}") for number in range(5)))
    assert len(layer.channels) == 1
    assert await heard_once(layer, received)


@pytest.mark.parametrize("seconds_between", [0, 0.005, 0.015])
async def test_a_room_that_is_left_and_entered_again_in_one_moment_is_heard(layer, seconds_between):
    received: list[Any] = []
    subject = Wire(received.append, lambda: None)
    await subject.join("room-0")
    subject.leave("room-0")
    await asyncio.sleep(seconds_between)
    await subject.join("room-0")
    assert await heard_once(layer, received)
