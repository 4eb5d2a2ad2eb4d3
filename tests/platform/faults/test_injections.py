"""Whatever happens to a process of the stack: nothing acknowledged is lost, doubled or out of order."""

import itertools

import pytest

from tests.platform.faults.drill import AT_LEAST, drill
from tests.platform.faults.injections import FAULTS, Fault, NotPermitted, start
from tests.support.load import MEMBERS, count

# On SQLite, `make test-faults`, those in which its single writer takes part; PostgreSQL has all, `make test-postgres`.
ON_SQLITE = {
    "none",
    "SIGTERM to each ws process",
    "SIGKILL to all ws processes",
    "a ws process paused for 5 s",
    "SIGKILL to web",
    "nginx reloaded 5 times",
    "Redis down for 10 s",
    "every process restarted in turn",
}
assert {fault.name for fault in FAULTS} >= ON_SQLITE


# A drill that finds something takes longer, until everyone has given up waiting for what is lost.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
async def test_nothing_is_lost_doubled_or_reordered(stack, postgres, outcomes, fault: Fault):
    if not fault.is_for(postgres):
        pytest.skip(f"only on {fault.only_on}")
    if not postgres and not fault.only_on and fault.name not in ON_SQLITE:
        pytest.skip("on PostgreSQL; `make drill` has it on SQLite too")
    # On SQLite it is the same code but for a few statements: fewer do.
    at_least = AT_LEAST if postgres else AT_LEAST // 4
    try:
        outcome = await drill(stack, fault, postgres, at_least)
    except NotPermitted as error:
        pytest.skip(str(error))
    outcomes.append(outcome)
    assert outcome.count.is_clean, outcome
    assert outcome.unacknowledged == outcome.changed == 0
    assert outcome.count.deliveries >= at_least
    assert set(outcome.close_codes) <= set(fault.close_codes)
    # In a deploy only nginx cuts anybody off, and everybody once.
    assert outcome.close_codes[1006] <= MEMBERS or "SIGKILL" in fault.name


@pytest.mark.parametrize("known_from", ["acknowledgement", "delivery"])
async def test_delivered_or_acknowledged_message_survives_sigkill(stack, enter, known_from):
    async with enter("alice", "ws-1") as alice, enter("bob", "ws-2") as bob:
        for number in range(1, 4):
            message_id = await alice.say("known")
            if known_from == "acknowledgement":
                await alice.wait_for(lambda message_id=message_id: message_id in alice.acknowledged)
            else:
                await bob.wait_for_delivery(message_id)
            stack.process("ws-1").kill()
            async with enter(f"journal-{number}", "ws-3") as journal:
                assert (await journal.wait_for_delivery(message_id)).seq == number
            await start(stack.process("ws-1"))
            await alice.wait_for(lambda number=number: len(alice.welcomes) > number)
        for member in (alice, bob):
            await member.wait_for(lambda member=member: member.seq == 3 and not member.unacknowledged)
        assert count(alice, bob).is_clean


async def test_a_burst_of_one_sender_keeps_its_order(enter):
    async with enter("alice", "ws-1") as alice, enter("bob", "ws-2") as bob:
        writers = {"alice": alice, "bob": bob}
        for _ in range(200):
            for writer in writers.values():
                await writer.say("burst")
        for writer in writers.values():
            await writer.wait_for(lambda writer=writer: writer.seq == 400)
        for writer in writers.values():
            assert all(earlier < later for earlier, later in itertools.pairwise(writer.acknowledged.values()))
