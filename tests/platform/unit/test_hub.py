"""The hub gives each event to every member once, and replays what they missed."""

import asyncio
from collections.abc import Collection, Mapping

import pytest
from prometheus_client import REGISTRY

from channels_live.hub import Event
from tests.support.hub import TOPIC, Journal, Member, enter


async def test_every_member_gets_each_event_once(hub, journal, broker):
    alice, bob = await enter(hub), await enter(hub)
    hub.publish(TOPIC, journal.append())
    await broker.send(journal.append())
    for member in (alice, bob):
        await member.has(1, 2)


async def test_what_comes_again_is_dropped(hub, journal, broker):
    alice = await enter(hub)
    first = journal.append()
    hub.publish(TOPIC, first)
    await broker.send(first, first, journal.append())
    await alice.has(1, 2)


async def test_what_has_no_number_is_heard_once_here_and_in_other_processes(hub, other, journal):
    alice, bob = await enter(hub), await enter(other)
    hub.publish(TOPIC, Event({"v1": "typing"}))
    await bob.has("typing")
    # By the same way, so what came of the first to the process itself has come.
    other.publish(TOPIC, journal.append())
    await alice.has("typing", 1)
    await bob.has("typing", 1)


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


async def test_who_leaves_hears_nothing_and_who_comes_back_at_once_hears_all(quiet_hub, journal, broker):
    alice = await enter(quiet_hub)
    quiet_hub.leave(TOPIC, alice)
    bob = await enter(quiet_hub)
    await asyncio.sleep(0)
    await broker.send(journal.append())
    await bob.has(1)
    assert alice.socket.texts == []


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


async def test_topics_and_members_of_all_hubs_of_the_process_are_counted(hub, make_hub):
    other = make_hub(Journal())
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
