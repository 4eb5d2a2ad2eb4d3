"""The hub repairs what the channel layer loses and reorders."""

import asyncio

from channels.layers import get_channel_layer
from prometheus_client import REGISTRY

from channels_live.database import one_by_one
from channels_live.hub import Event
from tests.support.hub import SECONDS, TOPIC, InThread, Member, enter


async def test_what_comes_too_early_waits_for_what_is_missing(make_hub, journal, broker):
    hub = make_hub(gap_seconds=60, poll_seconds=60)
    alice = await enter(hub)
    first, second, third = journal.append(), journal.append(), journal.append()
    await broker.send(third, second, first)
    await alice.has(1, 2, 3)


async def test_a_gap_is_filled_from_the_journal(quiet_hub, journal, broker):
    gaps = REGISTRY.get_sample_value("hub_gaps_total")
    assert gaps is not None
    alice = await enter(quiet_hub)
    for _ in range(25):
        lost = journal.append()
    assert lost.seq == 25
    await broker.send(journal.append())
    await alice.has(*range(1, 27))
    assert REGISTRY.get_sample_value("hub_gaps_total") == gaps + 1


async def test_many_topics_with_gaps_are_read_a_few_at_a_time(make_hub, journal):
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

    hub = make_hub(database=Thread())
    members = []
    for number in range(20):
        members.append(Member())
        await hub.open(f"topic-{number}", members[-1])
        await hub.go_live(f"topic-{number}", members[-1], 0)
    journal.append()
    for member in members:
        await member.has(1)


async def test_a_hub_that_is_closed_as_redis_fails_ends(hub):
    await asyncio.sleep(0)  # its poller waits
    hub.connection._availability.failed(TimeoutError())
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


async def test_a_hub_that_receives_nothing_replaces_its_own_layer_and_no_other(make_hub, journal, broker):
    hub = make_hub(stale_seconds=0.1)
    alice = await enter(hub)
    default = get_channel_layer()
    (stale,) = broker.layers
    # Sending works, nothing is received.
    stale.channels, stale.groups = {}, {}
    broker.layers.clear()
    async with asyncio.timeout(SECONDS):
        while not broker.layers or not hub.connection.has_joined(journal.group(TOPIC)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    # Without a number, so that polling cannot find it.
    await broker.send(Event({"v1": "typing"}))
    await alice.has("typing")
    assert get_channel_layer() is default
