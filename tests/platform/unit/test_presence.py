"""Who is in a topic: what a process announces, when it tells its members, and whom it forgets."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from channels_live.hub import Presence
from channels_live.hub.presence import MAX_NAMES

SECONDS = 5


class Hub:
    """Keeps what is sent to other processes."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def send(self, topic: str, message: dict[str, Any]) -> None:
        self.sent.put_nowait(message)


class Told:
    """Keeps what the members of this process were told."""

    def __init__(self) -> None:
        self.states: list[tuple[str, int]] = []
        self.changed = asyncio.Event()

    def __call__(self, topic: str, count: int, names: list[str]) -> None:
        self.states.append((topic, count))
        self.changed.set()

    async def wait_for(self, state: tuple[str, int]) -> None:
        async with asyncio.timeout(SECONDS):
            while state not in self.states:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
async def told() -> Told:
    return Told()


@pytest.fixture
async def presence(hub: Hub, told: Told) -> AsyncIterator[Presence]:
    presence = Presence(hub, told, told_per_second=100, repeat_seconds=0.1, repeats_per_second=50)  # type: ignore[arg-type]
    yield presence
    presence.close()


def announcement(count: int, process: str = "other", **more: Any) -> dict[str, Any]:
    names = [f"{process}-{number}" for number in range(count)]
    return {
        "type": "presence",
        "topic": "lobby",
        "process": process,
        "count": count,
        "names": names[:MAX_NAMES],
        "asks": False,
        "repeat_seconds": 1000,
        **more,
    }


async def test_members_here_and_elsewhere_are_counted(presence, hub, told):
    presence.join("lobby", "alice")
    hub.handlers["presence"](announcement(3))
    await told.wait_for(("lobby", 4))
    hub.handlers["presence"](announcement(0))
    await told.wait_for(("lobby", 1))


async def test_a_process_that_is_not_heard_of_again_is_forgotten(presence, hub, told):
    presence.join("lobby", "alice")
    hub.handlers["presence"](announcement(1, "seldom"))
    hub.handlers["presence"](announcement(2, "often", repeat_seconds=0.01))
    await told.wait_for(("lobby", 4))
    await told.wait_for(("lobby", 2))


async def test_a_process_of_the_release_before_does_not_say_how_often_it_repeats(presence, hub, told):
    presence.join("lobby", "alice")
    message = announcement(1)
    del message["repeat_seconds"]
    hub.handlers["presence"](message)
    await told.wait_for(("lobby", 2))
    await told.wait_for(("lobby", 1))


async def test_a_process_with_many_topics_repeats_each_less_often_and_says_so(presence, hub):
    for number in range(20):
        presence.join(f"topic-{number}", "alice")
    promised = [0.1]
    async with asyncio.timeout(SECONDS):
        while promised[-1] < 20 / 50:
            promised.append((await hub.sent.get())["repeat_seconds"])
    # Never more than twice what others were promised before, so that nobody is forgotten.
    assert all(later <= 2 * before for before, later in itertools.pairwise(promised))


async def test_many_members_are_told_of_many_changes_at_once(presence, hub, told):
    for number in range(20):
        presence.join("lobby", f"here-{number}")
    hub.handlers["presence"](announcement(1))
    for count in range(2, 100):
        hub.handlers["presence"](announcement(count))
    await told.wait_for(("lobby", 20 + 99))
    assert told.states == [("lobby", 21), ("lobby", 20 + 99)]


async def test_one_who_was_told_of_somebody_is_told_that_they_have_left_at_once(presence, hub, told):
    presence.join("lobby", "alice")
    await told.wait_for(("lobby", 1))
    presence.join("lobby", "bob")
    presence.join("lobby", "alice")
    assert presence.told_to_one("lobby") == (2, ["alice", "bob"])
    presence.leave("lobby", "bob")
    # To the others nothing has changed.
    async with asyncio.timeout(SECONDS):
        while told.states != [("lobby", 1), ("lobby", 1)]:
            told.changed.clear()
            await told.changed.wait()


async def test_a_topic_that_all_have_left_is_told_nothing(presence, hub, told):
    presence.join("lobby", "alice")
    hub.handlers["presence"](announcement(1))
    hub.handlers["presence"](announcement(2))
    presence.leave("lobby", "alice")
    hub.handlers["presence"](announcement(3))
    assert told.states == [("lobby", 2)]
    assert presence.current("lobby") == (0, [])
