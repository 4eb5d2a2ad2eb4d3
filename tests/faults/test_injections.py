"""Whatever happens to a part of the stack: nothing acknowledged is lost, doubled or out of order."""

import itertools

import pytest

from tests.faults.drill import AT_LEAST, drill
from tests.faults.injections import FAULTS, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
async def test_nothing_is_lost_doubled_or_reordered(stack, postgres, outcomes, fault: Fault):
    if not fault.is_for(postgres):
        pytest.skip(f"only on {fault.only_on}")
    outcome = await drill(stack, fault, postgres)
    outcomes.append(outcome)
    assert outcome.count.is_clean, outcome
    assert outcome.unacknowledged == outcome.changed == 0
    assert outcome.count.deliveries >= AT_LEAST


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
