"""The members that a process has in one topic, and the fan-out to them."""

import asyncio
from typing import Any

import pytest

from channels_live.frames import text_frame
from channels_live.hub import Event
from channels_live.hub.members import CHUNK, Members, MemberState


class Socket:
    """Keeps what is written to it, one entry a write."""

    is_connected = True

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    async def send(self, data: bytes) -> None:
        self.write(data)


class Member:
    def __init__(self, protocol: str = "v1", seq: int = 0) -> None:
        self.protocol = protocol
        self.seq = seq
        self.socket = Socket()

    @property
    def received(self) -> bytes:
        return b"".join(self.socket.writes)


def event(seq: int | None, **texts: str) -> Event:
    return Event(texts or {"v1": str(seq)}, seq)


def frames(*texts: str) -> bytes:
    return b"".join(map(text_frame, texts))


class Topic:
    """Members and the number of their topic, as channels_live.hub.topic puts them together."""

    def __init__(self, chunk: int = CHUNK) -> None:
        self.members = Members(chunk)
        self.seq = 0

    def go_live(self, member: Member) -> None:
        self.members.go_live(member, self.seq)  # type: ignore[arg-type]

    async def fan_out(self, *events: Event) -> None:
        self.seq = max([self.seq, *(event.seq for event in events if event.seq)])
        await self.members.fan_out(list(events), self.seq)


@pytest.fixture
def topic() -> Topic:
    return Topic()


def live(topic: Topic, member: Any) -> Any:
    topic.members.join(member)
    topic.go_live(member)
    return member


async def test_events_that_come_together_are_one_write_per_member(topic):
    alice, bob = live(topic, Member()), live(topic, Member())
    await topic.fan_out(event(1), event(None, v1="typing"), event(2))
    for member in (alice, bob):
        assert member.socket.writes == [frames("1", "typing", "2")]


async def test_many_large_events_are_several_writes_so_that_a_slow_member_is_found(topic):
    alice = live(topic, Member())
    texts = [f"{number}" + "x" * 30_000 for number in range(1, 6)]
    await topic.fan_out(*(event(number, v1=text) for number, text in enumerate(texts, start=1)))
    assert alice.received == frames(*texts)
    assert len(alice.socket.writes) == 3


async def test_each_protocol_gets_its_own_bytes_and_nothing_it_has_no_word_for(topic):
    alice, tutorial = live(topic, Member()), live(topic, Member(""))
    await topic.fan_out(Event({"v1": "one", "": "1"}, 1), Event({"v1": "typing"}))
    await topic.fan_out(Event({"v1": "typing"}))
    assert alice.socket.writes == [frames("one", "typing"), frames("typing")]
    assert tutorial.socket.writes == [frames("1")]


async def test_a_large_room_lets_others_have_a_turn():
    topic = Topic(chunk=10)
    members = [live(topic, Member()) for _ in range(35)]
    turns: list[int] = []

    async def others() -> None:
        while True:
            turns.append(sum(bool(member.socket.writes) for member in members))
            await asyncio.sleep(0)

    watching = asyncio.create_task(others())
    await topic.fan_out(event(1))
    watching.cancel()
    assert turns == [10, 20, 30]
    assert all(member.received == frames("1") for member in members)


async def test_who_comes_and_goes_during_a_fan_out_gets_each_event_once_or_not_at_all():
    topic = Topic(chunk=1)
    members = [live(topic, Member()) for _ in range(4)]
    giving = asyncio.create_task(topic.fan_out(event(1)))
    await asyncio.sleep(0)
    # It has read number 1 in the journal.
    late = live(topic, Member(seq=1))
    gone = next(member for member in members if not member.socket.writes)
    topic.members.leave(gone)
    await giving
    assert late.received == b""
    assert all(member.received == frames("1") for member in members if member is not gone)
    await topic.fan_out(event(2))
    assert late.received == frames("2")
    assert gone.received in (b"", frames("1"))


async def test_who_goes_live_in_another_protocol_during_a_fan_out_hears_nothing_twice():
    topic = Topic(chunk=1)
    for _ in range(4):
        live(topic, Member("v1"))
    live(topic, Member(""))
    giving = asyncio.create_task(topic.fan_out(Event({"v1": "1", "": "one"}, 1)))
    await asyncio.sleep(0)
    late = live(topic, Member("", seq=1))
    await giving
    assert late.received == b""


async def test_who_found_more_in_the_journal_than_the_others_hears_nothing_twice(topic):
    ahead = live(topic, Member(seq=2))
    alice = live(topic, Member())
    await topic.fan_out(event(1), event(None, v1="typing"))
    await topic.fan_out(event(2), event(3))
    await topic.fan_out(event(4))
    assert alice.received == frames("1", "typing", "2", "3", "4")
    assert ahead.received == frames("typing", "3", "4")


async def test_who_catches_up_is_given_the_newest_of_each_state_when_it_goes_live(topic):
    alice, late, tutorial = live(topic, Member()), Member(), Member("")
    await topic.fan_out(Event({"v1": "2 here"}, state="presence"))
    for member in (late, tutorial):
        topic.members.join(member)
    for text, state in (("3 here", "presence"), ("7 removed", "7"), ("typing", None), ("1 here", "presence")):
        await topic.fan_out(Event({"v1": text}, state=state))
    assert late.received == b""
    topic.go_live(late)
    topic.go_live(tutorial)
    assert late.received == frames("7 removed", "1 here")
    assert tutorial.received == b""
    await topic.fan_out(Event({"v1": "4 here"}, state="presence"))
    assert late.received == frames("7 removed", "1 here", "4 here")
    assert alice.received == frames("2 here", "3 here", "7 removed", "typing", "1 here", "4 here")
    # Nobody catches up now: who comes later is told how it is when it comes.
    later = live(topic, Member())
    assert later.received == b""


async def test_member_that_goes_live_during_fan_out_gets_every_state():
    topic = Topic(chunk=1)
    for _ in range(4):
        live(topic, Member())
    late = Member()
    topic.members.join(late)
    giving = asyncio.create_task(topic.fan_out(Event({"v1": "1 here"}, state="presence")))
    await asyncio.sleep(0)
    topic.go_live(late)
    await giving
    assert late.received == frames("1 here")


async def test_states_are_kept_no_longer_than_somebody_catches_up(topic):
    gone, ahead = Member(), Member(seq=1)
    for member in (gone, ahead):
        topic.members.join(member)
    await topic.fan_out(Event({"v1": "1 here"}, state="presence"))
    topic.members.leave(gone)
    topic.go_live(ahead)
    # It found more in the journal, and hears the rest as the others do.
    await topic.fan_out(event(1), Event({"v1": "2 here"}, state="presence"))
    assert ahead.received == frames("1 here", "2 here")
    assert not topic.members._kept_states


async def test_a_member_that_breaks_harms_nobody(topic):
    broken, alice = live(topic, Member()), live(topic, Member())

    def fail(data: bytes) -> None:
        raise RuntimeError("broken")

    broken.socket.write = fail  # type: ignore[method-assign]
    await topic.fan_out(event(1))
    assert alice.received == frames("1")


async def test_it_counts_who_is_in_it(topic):
    catching_up, ahead, here = Member(), Member(seq=5), Member()
    topic.members.join(catching_up)
    live(topic, ahead)
    live(topic, here)
    assert len(topic.members) == 3
    for member in (catching_up, ahead, here, Member()):
        topic.members.leave(member)
    assert len(topic.members) == 0


async def test_a_member_that_is_ahead_becomes_live_when_the_topic_has_reached_it(topic):
    member: Any = Member(seq=2)
    topic.members.join(member)
    states = [topic.members.state(member)]
    topic.go_live(member)
    states.append(topic.members.state(member))
    await topic.fan_out(event(1), event(2))
    states.append(topic.members.state(member))
    topic.members.leave(member)
    states.append(topic.members.state(member))
    assert states == [MemberState.CATCHING_UP, MemberState.AHEAD, MemberState.LIVE, None]
