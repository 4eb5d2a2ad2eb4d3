import asyncio

import pytest

from tests.support.feed_stack import FeedStack
from tests.support.members import append, joined, next_of

IDLE_SECONDS = 120


@pytest.mark.idle
@pytest.mark.timeout(IDLE_SECONDS + 60)
async def test_socket_idle_for_two_minutes_still_receives(tmp_path):
    """Two minutes of silence are the thing under test: Redis, Daphne and nginx each have a timeout below that."""
    with FeedStack(tmp_path) as stack:
        async with joined(stack, "lobby") as silent:
            await next_of(silent, "presence")
            await asyncio.sleep(IDLE_SECONDS)
            async with joined(stack, "lobby") as speaker:
                await append(speaker, "awake?")
                assert (await next_of(silent, "entry"))["id"] == "awake?"
