"""A journal and a broker in memory for tests of the hub, and members that record what they receive."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

from channels.layers import InMemoryChannelLayer

from channels_live.hub import Event, Hub

TOPIC = "lobby"
# The timeout of waits that should end at once.
SECONDS = 5


class Journal:
    """A journal in memory, with the sequence numbers 1 to head."""

    def __init__(self) -> None:
        self.head = 0
        self.first = 1
        self.name = "first"

    def group(self, topic: str) -> str:
        return f"group-{topic}"

    def epoch(self) -> str:
        return self.name

    def heads(self, topics: Collection[str]) -> Mapping[str, int]:
        return dict.fromkeys(topics, self.head)

    def after(self, topic: str, seq: int) -> list[Event]:
        return [event(number) for number in range(max(seq + 1, self.first), self.head + 1)][:10]

    def append(self, count: int = 1) -> Event:
        """Store entries, and return the event of the last."""
        self.head += count
        return event(self.head)


class InThread:
    """Runs functions in the place of the database thread, after other tasks had a turn."""

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        await asyncio.sleep(0)
        return function(*arguments)


class Socket:
    """Records the texts of the frames written to it."""

    is_connected = True

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.changed = asyncio.Event()
        self.code: int | None = None

    def close_gracefully(self, code: int) -> None:
        self.code = code
        self.changed.set()

    def write(self, data: bytes) -> None:
        while data:
            length = data[1]
            self.texts.append(data[2 : 2 + length].decode())
            data = data[2 + length :]
        self.changed.set()

    async def send(self, data: bytes) -> None:
        self.write(data)
        await asyncio.sleep(0)


class Member:
    """A member whose ``has`` waits for the frames that it receives."""

    protocol = "v1"
    seq = 0

    def __init__(self) -> None:
        self.socket = Socket()

    async def has(self, *texts: int | str) -> None:
        """Wait for this number of frames, and compare all of them."""
        expected = [str(text) for text in texts]
        async with asyncio.timeout(SECONDS):
            while len(self.socket.texts) < len(expected):
                self.socket.changed.clear()
                await self.socket.changed.wait()
        assert self.socket.texts == expected

    async def is_closed_with(self, code: int) -> None:
        """Wait for the close."""
        async with asyncio.timeout(SECONDS):
            while self.socket.code is None:
                self.socket.changed.clear()
                await self.socket.changed.wait()
        assert self.socket.code == code


class Broker:
    """Takes the place of Redis: each hub has a channel layer of its own, and all are connected to it."""

    def __init__(self) -> None:
        self.layers: list[InMemoryChannelLayer] = []

    def new_layer(self) -> InMemoryChannelLayer:
        layer = InMemoryChannelLayer()
        if self.layers:
            # Channels belong to the broker.
            layer.channels, layer.groups = self.layers[0].channels, self.layers[0].groups
        self.layers.append(layer)
        return layer

    async def send(self, *events: Event) -> None:
        """Send events of the topic as another process does."""
        for one in events:
            message = {"type": "event", "topic": TOPIC, "seq": one.seq, "frames": dict(one.frames)}
            if self.layers:
                await self.layers[0].group_send(f"group-{TOPIC}", message)


def event(seq: int) -> Event:
    """Return the event of an entry; its text is its number."""
    return Event({"v1": str(seq)}, seq)


async def enter(hub: Hub, after: int | None = None) -> Member:
    """Return a live member that has received all entries after ``after``; None is the head."""
    member = Member()
    head = await hub.open(TOPIC, member)
    await hub.go_live(TOPIC, member, head if after is None else after)
    return member
