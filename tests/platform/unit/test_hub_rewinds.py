"""What the hub does where its numbers are not the journal's: a restored dump, a failover, a number never committed."""

import asyncio

from channels_live.hub import Event
from tests.support.hub import SECONDS, TOPIC, enter, event


async def test_a_journal_that_went_back_closes_the_members_and_newcomers_are_right(hub, journal):
    journal.append(60)
    early = await enter(hub)
    journal.head = 50
    await early.is_closed_with(1012)
    late = await enter(hub)
    hub.publish(TOPIC, journal.append())
    await late.has(51)
    assert not early.socket.texts
    assert late.socket.code is None


async def test_a_number_that_is_published_again_is_noticed_without_polling(quiet_hub, journal):
    journal.append(60)
    member = await enter(quiet_hub)
    journal.head = 50
    quiet_hub.publish(TOPIC, journal.append())
    await member.is_closed_with(1012)


async def test_who_resumes_where_the_journal_ends_notices_that_the_topic_is_beyond_it(quiet_hub, journal):
    journal.append(60)
    early = await enter(quiet_hub)
    journal.head = 50
    late = await enter(quiet_hub, after=50)
    for member in (early, late):
        await member.is_closed_with(1012)


async def test_another_journal_with_more_in_it_closes_the_members(hub, journal):
    journal.append(60)
    member = await enter(hub)
    journal.name, journal.head = "restored", 70
    await member.is_closed_with(1012)
    # What was restored is not shown as what comes next.
    assert not member.socket.texts


async def test_a_number_is_known_only_within_its_journal(hub, journal):
    journal.append(60)
    member = await enter(hub)
    assert hub.knows(TOPIC, 60, hub.epoch)
    assert hub.knows(TOPIC, 60, None)
    assert not hub.knows(TOPIC, 60, "another")
    journal.head = 50
    await member.is_closed_with(1012)
    await enter(hub)
    # They come back, and meanwhile as much was written as they had seen.
    journal.append(20)
    assert [hub.knows(TOPIC, number, hub.epoch) for number in (50, 51, 60, 61)] == [True, False, False, True]


async def test_uncommitted_event_is_discarded(hub, journal, broker):
    alice = await enter(hub)
    journal.append(1)
    await broker.send(Event({"v1": "forged"}, 3), event(1))
    # The forged one opens a gap, which is looked for in the journal.
    await alice.has(1)
    topic = hub._topics[TOPIC]
    async with asyncio.timeout(SECONDS):
        while topic._order.early:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
    for _ in range(2):
        hub.publish(TOPIC, journal.append())
    await alice.has(1, 2, 3)


async def test_who_was_shown_a_number_that_nobody_committed_is_closed(hub, journal, broker):
    alice = await enter(hub)
    await broker.send(Event({"v1": "forged"}, 1))
    await alice.is_closed_with(1012)


async def test_something_else_under_a_number_that_was_shown_closes_the_members(quiet_hub, journal, broker):
    alice = await enter(quiet_hub)
    await broker.send(Event({"v1": "forged"}, 1))
    await alice.has("forged")
    quiet_hub.publish(TOPIC, journal.append())
    await alice.is_closed_with(1012)
    assert not quiet_hub.knows(TOPIC, 1, None)


async def test_a_doubt_that_the_database_did_not_answer_is_looked_into_again(hub, journal, monkeypatch):
    journal.append(3)
    alice = await enter(hub)
    topic = hub._topics[TOPIC]
    topic._order.last_digest = 0  # what was shown is another than the journal's
    read = journal.after

    def fail(*_):
        journal.after = read
        raise OSError("failed over")

    journal.after = fail
    topic.doubt()
    await alice.is_closed_with(1012)


async def test_something_that_was_altered_closes_nobody(hub, journal, monkeypatch):
    journal.append(3)
    alice = await enter(hub)
    topic = hub._topics[TOPIC]
    topic._order.last_digest = event(3).digest()
    journal.after = lambda name, seq: [Event({"v1": "removed"}, 3, altered=True)] if seq == 2 else []
    topic.doubt()
    await topic._repairing
    assert alice.socket.code is None
    assert hub._topics[TOPIC] is topic


async def test_what_comes_again_closes_nobody(hub, journal, broker):
    alice = await enter(hub)
    events = [journal.append() for _ in range(3)]
    await broker.send(*events, *events)
    await alice.has(1, 2, 3)
    # Each doubt was looked into when the next gap is filled.
    lost, last = journal.append(), journal.append()
    await broker.send(last)
    await alice.has(1, 2, 3, lost.seq, last.seq)
    assert alice.socket.code is None
    assert TOPIC in hub.topics
