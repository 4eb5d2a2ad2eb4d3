"""Redis shards come and go in a rolling restart, as docs/scaling.md says."""

import pytest

from tests.platform.faults.injections import restart
from tests.support.feed_stack import FeedStack
from tests.support.load import MEMBERS, Load
from tests.support.redis import running_redis

# So many for each member, before and after each step.
DELIVERIES = 10


@pytest.mark.timeout(300)
async def test_a_shard_is_added_and_taken_out_while_people_write(tmp_path, database_environment, outcomes):
    with (
        running_redis(tmp_path) as second,
        FeedStack(tmp_path / "stack", ws_processes=2, environment=database_environment) as stack,
    ):
        first = stack.process("redis").url
        async with Load(stack.url) as load:
            for addresses in (f"{first},{second.url}", first):
                for name in ("web", "ws-1", "ws-2"):
                    # Between the restarts, processes publish where others do not listen.
                    await load.reach(load.deliveries + MEMBERS * DELIVERIES)
                    process = stack.process(name)
                    process.environment = {**process.environment, "REDIS_URL": addresses}
                    await restart(process)
            outcome = await load.outcome("a Redis shard added, then taken out")
    outcomes.append(outcome)
    assert outcome.count.is_clean, outcome
    assert outcome.unacknowledged == outcome.changed == 0
    assert set(outcome.close_codes) == {1012}
