"""A crowd that comes back in one moment, on a stack where nothing else happens."""

from collections.abc import Iterable

import httpx

from deploy.local import Process
from tests.platform.faults.crowd import Crowd
from tests.platform.faults.injections import CROWD, CROWD_ROOMS, CROWD_SECONDS, ws_processes

COUNT = "database_query_duration_seconds_count"


async def queries(processes: Iterable[Process]) -> int:
    """Return how many statements the processes have sent to the database so far."""
    async with httpx.AsyncClient() as http:
        texts = [(await http.get(f"{process.url}/metrics")).text for process in processes]
    counts = [line for text in texts for line in text.splitlines() if line.startswith(COUNT)]
    return sum(int(float(line.split()[-1])) for line in counts)


async def test_2000_are_all_back_at_once_and_share_their_questions_to_the_database(stack, figures):
    rooms = [f"reconnect-{number}" for number in range(CROWD_ROOMS)]
    async with Crowd(stack.url, rooms * (CROWD // CROWD_ROOMS)) as crowd:
        await crowd.wait_until_all_are_online()
        crowd.failed_handshakes.clear()
        before = await queries(ws_processes(stack))
        crowd.drop_all()
        await crowd.wait_for(lambda: all(len(member.welcomes) > 1 for member in crowd.members), CROWD_SECONDS)
        asked = await queries(ws_processes(stack)) - before
        slowest = max(member.welcomes[1] - member.closes[0].at for member in crowd.members)
    figures.append(f"{CROWD:,} clients at once: all back after {slowest:.1f} s, with {asked} database queries")
    assert not [status for status in crowd.failed_handshakes if status.startswith("5")], crowd.failed_handshakes
    assert asked < CROWD / 2
