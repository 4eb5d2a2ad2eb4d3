"""The hub between a channel layer that loses and reorders, and a journal that does not."""

import asyncio
from collections.abc import Collection, Mapping

import pytest
from channels.layers import InMemoryChannelLayer, get_channel_layer
from prometheus_client import REGISTRY

from channels_live.database.shared_reads import one_by_one
from channels_live.hub import connection as wire_module
from channels_live.hub import hub as hub_module
from channels_live.hub.connection import Wire
from channels_live.hub.hub import Hub
from channels_live.hub.topic import Event

TOPIC = "lobby"
# For waiting that should end at once.
SECONDS = 5


class Journal:
    """A journal in memory, with the numbers 1 to head."""

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

    def append(self) -> Event:
        self.head += 1
        return event(self.head)


class InThread:
    """Runs what the database thread would run, after giving other tasks a turn."""

    async def run(self, function, *arguments):
        await asyncio.sleep(0)
        return function(*arguments)


class Socket:
    """Keeps the texts of the frames written to it."""

    is_connected = True

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.writes = 0
        self.changed = asyncio.Event()
        self.code: int | None = None

    def close_after_work(self, code: int) -> None:
        self.code = code
        self.changed.set()

    def write(self, data: bytes) -> None:
        self.writes += 1
        while data:
            length = data[1]
            self.texts.append(data[2 : 2 + length].decode())
            data = data[2 + length :]
        self.changed.set()

    async def send(self, data: bytes) -> None:
        self.write(data)
        await asyncio.sleep(0)


class Member:
    protocol = "v1"
    seq = 0

    def __init__(self) -> None:
        self.socket = Socket()

    async def has(self, *texts: int | str) -> None:
        expected = [str(text) for text in texts]
        async with asyncio.timeout(SECONDS):
            while len(self.socket.texts) < len(expected):
                self.socket.changed.clear()
                await self.socket.changed.wait()
        assert self.socket.texts == expected

    async def is_closed_with(self, code: int) -> None:
        async with asyncio.timeout(SECONDS):
            while self.socket.code is None:
                self.socket.changed.clear()
                await self.socket.changed.wait()
        assert self.socket.code == code


def event(seq: int) -> Event:
    return Event({"v1": str(seq)}, seq)


class Broker:
    """What is Redis elsewhere: each hub has a layer of its own, and all are joined to it."""

    def __init__(self) -> None:
        self.layers: list[InMemoryChannelLayer] = []

    def new_layer(self) -> InMemoryChannelLayer:
        layer = InMemoryChannelLayer()
        if self.layers:
            # The channels are the broker's.
            layer.channels, layer.groups = self.layers[0].channels, self.layers[0].groups
        self.layers.append(layer)
        return layer

    async def group_send(self, group: str, message: dict) -> None:
        if self.layers:
            await self.layers[0].group_send(group, message)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture(autouse=True)
def in_memory(settings, monkeypatch, broker):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    monkeypatch.setattr(wire_module, "new_channel_layer", broker.new_layer)
    monkeypatch.setattr(hub_module, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(hub_module, "GAP_SECONDS", 0.01)


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
async def hub(journal):
    made = Hub(journal, InThread())
    yield made
    await made.close()


@pytest.fixture
async def other(journal):
    """The hub of another process."""
    made = Hub(journal, InThread())
    yield made
    await made.close()


async def enter(hub: Hub, after: int | None = None) -> Member:
    member = Member()
    head = await hub.open(TOPIC, member)
    await hub.go_live(TOPIC, member, head if after is None else after)
    return member


@pytest.fixture
def from_elsewhere(broker):
    """Send events as another process does."""

    async def send(*events: Event) -> None:
        for one in events:
            message = {"type": "event", "topic": TOPIC, "seq": one.seq, "frames": dict(one.frames)}
            await broker.group_send(f"group-{TOPIC}", message)

    return send


async def test_every_member_gets_each_event_once(hub, journal, from_elsewhere):
    alice, bob = await enter(hub), await enter(hub)
    hub.publish(TOPIC, journal.append())
    await from_elsewhere(journal.append())
    for member in (alice, bob):
        await member.has(1, 2)


async def test_what_comes_again_is_dropped(hub, journal, from_elsewhere):
    alice = await enter(hub)
    first = journal.append()
    hub.publish(TOPIC, first)
    await from_elsewhere(first, first, journal.append())
    await alice.has(1, 2)


async def test_what_has_no_number_is_heard_once_here_and_in_other_processes(hub, other, journal):
    alice, bob = await enter(hub), await enter(other)
    hub.publish(TOPIC, Event({"v1": "typing"}))
    await bob.has("typing")
    # By the same way, so what came of the first to the process itself has come.
    other.publish(TOPIC, journal.append())
    await alice.has("typing", 1)
    await bob.has("typing", 1)


async def test_what_comes_too_early_waits_for_what_is_missing(hub, journal, monkeypatch, from_elsewhere):
    monkeypatch.setattr(hub_module, "GAP_SECONDS", 60)
    monkeypatch.setattr(hub_module, "POLL_SECONDS", 60)
    alice = await enter(hub)
    first, second, third = journal.append(), journal.append(), journal.append()
    await from_elsewhere(third, second, first)
    await alice.has(1, 2, 3)


async def test_a_gap_is_filled_from_the_journal(hub, journal, monkeypatch, from_elsewhere):
    monkeypatch.setattr(hub_module, "POLL_SECONDS", 60)
    gaps = REGISTRY.get_sample_value("hub_gaps_total")
    assert gaps is not None
    alice = await enter(hub)
    for _ in range(25):
        lost = journal.append()
    assert lost.seq == 25
    await from_elsewhere(journal.append())
    await alice.has(*range(1, 27))
    assert REGISTRY.get_sample_value("hub_gaps_total") == gaps + 1


async def test_many_topics_with_gaps_are_read_a_few_at_a_time(journal, monkeypatch):
    running = 0

    class Thread(InThread):
        async def run(self, function, *arguments):
            nonlocal running
            assert function != journal.after
            if function is not one_by_one:
                return await super().run(function, *arguments)
            running += 1
            assert running == 1, "commits would wait behind all of them"
            try:
                return await super().run(function, *arguments)
            finally:
                running -= 1

    hub = Hub(journal, Thread())
    members = []
    for number in range(20):
        members.append(Member())
        await hub.open(f"topic-{number}", members[-1])
        await hub.go_live(f"topic-{number}", members[-1], 0)
    journal.append()
    for member in members:
        await member.has(1)
    await hub.close()


async def test_a_hub_that_is_closed_as_redis_fails_ends(hub):
    await asyncio.sleep(0)  # its poller waits
    hub.wire._failed(TimeoutError())
    await asyncio.sleep(0)
    async with asyncio.timeout(SECONDS):
        await hub.close()


async def test_a_loss_that_nothing_follows_is_found_by_comparing(hub, journal):
    alice = await enter(hub)
    journal.append()
    await alice.has(1)


async def test_what_retention_removed_is_not_waited_for(hub, journal):
    alice = await enter(hub)
    for _ in range(5):
        journal.append()
    journal.first = 4
    await alice.has(4, 5)
    hub.publish(TOPIC, journal.append())
    await alice.has(4, 5, 6)


async def test_a_member_that_catches_up_gets_everything_once_while_events_come(hub, journal):
    for _ in range(35):
        journal.append()
    early = await enter(hub)

    async def write() -> None:
        for _ in range(50):
            hub.publish(TOPIC, journal.append())
            await asyncio.sleep(0)

    writing = asyncio.create_task(write())
    late = await enter(hub, after=0)
    await writing
    await early.has(*range(36, 86))
    await late.has(*range(1, 86))


async def test_a_state_that_another_process_tells_during_a_replay_is_not_lost(hub, other, journal):
    journal.append()
    alice, bob = await enter(hub), await enter(other)
    late = Member()
    await hub.open(TOPIC, late)
    other.publish(TOPIC, Event({"v1": "bob removed 1"}, state="removed 1"))
    await alice.has("bob removed 1")
    await hub.go_live(TOPIC, late, 0)
    await late.has(1, "bob removed 1")
    await bob.has("bob removed 1")


async def test_who_leaves_hears_nothing_and_who_comes_back_at_once_hears_all(hub, journal, monkeypatch, from_elsewhere):
    monkeypatch.setattr(hub_module, "POLL_SECONDS", 60)
    alice = await enter(hub)
    hub.leave(TOPIC, alice)
    bob = await enter(hub)
    await asyncio.sleep(0)
    await from_elsewhere(journal.append())
    await bob.has(1)
    assert alice.socket.texts == []


async def test_a_hub_that_receives_nothing_replaces_its_own_layer_and_no_other(
    hub, journal, broker, monkeypatch, from_elsewhere
):
    alice = await enter(hub)
    default = get_channel_layer()
    (stale,) = broker.layers
    # Sending works, nothing comes.
    stale.channels, stale.groups = {}, {}
    broker.layers.clear()
    monkeypatch.setattr(wire_module, "DEAF_SECONDS", 0.1)
    async with asyncio.timeout(SECONDS):
        while not broker.layers or not hub.wire.has_joined(journal.group(TOPIC)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    monkeypatch.setattr(hub_module, "POLL_SECONDS", 60)
    await from_elsewhere(journal.append())
    await alice.has(1)
    assert get_channel_layer() is default


async def test_a_wire_that_was_asked_nothing_for_long_has_not_failed(broker, monkeypatch):
    heard = asyncio.Event()
    wire = Wire(lambda _: None, lambda: None)
    came_back = wire._beat
    monkeypatch.setattr(wire, "_beat", lambda: (came_back(), heard.set()))
    await wire.keep_up()
    await asyncio.wait_for(heard.wait(), SECONDS)
    # As after a round of the hub in which the database did not answer.
    monkeypatch.setattr(wire_module, "BEAT_SECONDS", 0)
    monkeypatch.setattr(wire_module, "DEAF_SECONDS", 0)
    (layer,) = broker.layers
    await wire.keep_up()
    assert wire.is_up
    assert broker.layers == [layer]
    await wire.close()


async def test_one_broken_member_does_not_harm_the_others(hub, journal):
    broken, alice = await enter(hub), await enter(hub)

    def fail(data: bytes) -> None:
        raise RuntimeError("broken")

    broken.socket.write = fail  # type: ignore[method-assign]
    hub.publish(TOPIC, journal.append())
    hub.publish(TOPIC, journal.append())
    await alice.has(1, 2)


async def test_each_protocol_gets_its_own_frame_or_none(hub, journal):
    alice, tutorial = await enter(hub), Member()
    tutorial.protocol = ""
    await hub.go_live(TOPIC, tutorial, await hub.open(TOPIC, tutorial))
    hub.publish(TOPIC, Event({"v1": "typing"}))
    hub.publish(TOPIC, Event({"v1": "1", "": "one"}, journal.append().seq))
    await alice.has("typing", "1")
    await tutorial.has("one")


async def test_where_the_journal_cannot_be_read_the_member_is_told_and_forgotten(hub, journal):
    def fail(topics: Collection[str]) -> Mapping[str, int]:
        raise OSError("gone")

    journal.heads = fail
    with pytest.raises(OSError, match="gone"):
        await hub.open(TOPIC, Member())
    assert not hub.topics


async def test_topics_and_members_of_all_hubs_of_the_process_are_counted(hub):
    other = Hub(Journal(), InThread())
    await enter(hub)
    await enter(hub)
    await enter(other)
    assert [REGISTRY.get_sample_value(name) for name in ("hub_topics", "hub_members")] == [2, 3]
    await other.close()
    assert [REGISTRY.get_sample_value(name) for name in ("hub_topics", "hub_members")] == [1, 2]


async def test_who_cannot_catch_up_has_left(hub, journal, monkeypatch):
    journal.append()
    member = Member()
    await hub.open(TOPIC, member)

    def broken(topic: str, seq: int) -> list[Event]:
        raise OSError("no journal")

    monkeypatch.setattr(journal, "after", broken)
    with pytest.raises(OSError, match="no journal"):
        await hub.go_live(TOPIC, member, after=0)
    assert not hub.topics


def written(journal: Journal, count: int) -> None:
    for _ in range(count):
        journal.append()


async def test_a_journal_that_went_back_closes_the_members_and_newcomers_are_right(hub, journal):
    written(journal, 60)
    early = await enter(hub)
    journal.head = 50
    await early.is_closed_with(1012)
    late = await enter(hub)
    hub.publish(TOPIC, journal.append())
    await late.has(51)
    assert not early.socket.texts
    assert late.socket.code is None


async def test_a_number_that_is_published_again_is_noticed_without_polling(hub, journal, monkeypatch):
    monkeypatch.setattr(hub_module, "POLL_SECONDS", 60)
    written(journal, 60)
    member = await enter(hub)
    journal.head = 50
    hub.publish(TOPIC, journal.append())
    await member.is_closed_with(1012)


async def test_who_resumes_where_the_journal_ends_notices_that_the_topic_is_beyond_it(hub, journal, monkeypatch):
    monkeypatch.setattr(hub_module, "POLL_SECONDS", 60)
    written(journal, 60)
    early = await enter(hub)
    journal.head = 50
    late = await enter(hub, after=50)
    for member in (early, late):
        await member.is_closed_with(1012)


async def test_another_journal_with_more_in_it_closes_the_members(hub, journal):
    written(journal, 60)
    member = await enter(hub)
    journal.name, journal.head = "restored", 70
    await member.is_closed_with(1012)
    # What was restored is not shown as what comes next.
    assert not member.socket.texts


async def test_a_number_is_known_only_within_its_journal(hub, journal):
    written(journal, 60)
    member = await enter(hub)
    assert hub.knows(TOPIC, 60, hub.epoch)
    assert hub.knows(TOPIC, 60, None)
    assert not hub.knows(TOPIC, 60, "another")
    journal.head = 50
    await member.is_closed_with(1012)
    await enter(hub)
    # They come back, and meanwhile as much was written as they had seen.
    written(journal, 20)
    assert [hub.knows(TOPIC, number, hub.epoch) for number in (50, 51, 60, 61)] == [True, False, False, True]


async def test_a_number_that_nobody_committed_is_not_taken_for_the_one_that_comes(hub, journal, from_elsewhere):
    alice = await enter(hub)
    written(journal, 1)
    await from_elsewhere(Event({"v1": "forged"}, 3), event(1))
    # The forged one opens a gap, which is looked for in the journal.
    await alice.has(1)
    topic = hub._topics[TOPIC]
    async with asyncio.timeout(SECONDS):
        while topic.early:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
    for _ in range(2):
        hub.publish(TOPIC, journal.append())
    await alice.has(1, 2, 3)


async def test_who_was_shown_a_number_that_nobody_committed_is_closed(hub, journal, from_elsewhere):
    alice = await enter(hub)
    await from_elsewhere(Event({"v1": "forged"}, 1))
    await alice.is_closed_with(1012)


async def test_something_else_under_a_number_that_was_shown_closes_the_members(
    hub, journal, monkeypatch, from_elsewhere
):
    monkeypatch.setattr(hub_module, "POLL_SECONDS", 60)
    alice = await enter(hub)
    await from_elsewhere(Event({"v1": "forged"}, 1))
    await alice.has("forged")
    hub.publish(TOPIC, journal.append())
    await alice.is_closed_with(1012)
    assert not hub.knows(TOPIC, 1, None)


async def test_a_doubt_that_the_database_did_not_answer_is_looked_into_again(hub, journal, monkeypatch):
    written(journal, 3)
    alice = await enter(hub)
    topic = hub._topics[TOPIC]
    topic.last = 0  # what was shown is another than the journal's
    read = journal.after

    def fail(*_):
        journal.after = read
        raise OSError("failed over")

    journal.after = fail
    hub._doubt(topic)
    await alice.is_closed_with(1012)


async def test_something_that_was_altered_closes_nobody(hub, journal, monkeypatch):
    written(journal, 3)
    alice = await enter(hub)
    topic = hub._topics[TOPIC]
    topic.last = event(3).digest()
    journal.after = lambda name, seq: [Event({"v1": "removed"}, 3, altered=True)] if seq == 2 else []
    hub._doubt(topic)
    await topic.repairing
    assert alice.socket.code is None
    assert hub._topics[TOPIC] is topic


async def test_what_comes_again_closes_nobody(hub, journal, from_elsewhere):
    alice = await enter(hub)
    events = [journal.append() for _ in range(3)]
    await from_elsewhere(*events, *events)
    await alice.has(1, 2, 3)
    # Each doubt was looked into when the next gap is filled.
    lost, last = journal.append(), journal.append()
    await from_elsewhere(last)
    await alice.has(1, 2, 3, lost.seq, last.seq)
    assert alice.socket.code is None
    assert TOPIC in hub.topics
