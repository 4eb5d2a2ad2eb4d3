import asyncio

import pytest

IDLE_SECONDS = 120


@pytest.mark.idle
@pytest.mark.timeout(IDLE_SECONDS + 60)
async def test_a_socket_idle_for_two_minutes_still_receives(join, room):
    """Two minutes of silence are the thing under test: Redis, Daphne and nginx each have a timeout below that."""
    async with join(room) as silent:
        await asyncio.sleep(IDLE_SECONDS)
        async with join(room) as speaker:
            await speaker.say("awake?")
            assert await silent.receive() == {"message": "awake?"}
