"""A queue that is full refuses; who sends again under the same ids loses nothing."""

from pathlib import Path

from tests.support.client import Client
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.load import count


async def test_a_full_queue_answers_overloaded_and_all_arrive_in_the_end(
    tmp_path: Path, database_environment, room, figures
):
    environment = {**NO_LIMITS, **database_environment, "JOURNAL_QUEUE": "1"}
    with FeedStack(tmp_path, ws_processes=1, environment=environment) as stack:
        async with Client(stack.url, room, "alice") as alice, Client(stack.url, room, "bob") as bob:
            for member in (alice, bob):
                await member.wait_for(lambda member=member: member.is_online)
            ids = [await alice.say(f"burst {number}") for number in range(30)]
            await alice.wait_for(lambda: not alice.unacknowledged, 60)
            await bob.wait_for(lambda: bob.seq == 30)
            assert {refusal.code for refusal in alice.refusals} == {"overloaded"}
            assert {refusal.id for refusal in alice.refusals} <= set(ids)
            assert all(refusal.retry_after for refusal in alice.refusals)
            assert count(alice, bob).is_clean
            figures.append(f"JOURNAL_QUEUE=1, a burst of 30: overloaded {len(alice.refusals)} times, all stored once")
