"""Thousands of clients that reconnect at once, on an otherwise idle stack."""

from collections.abc import Iterable

import httpx

from deploy.local import Process
from tests.platform.faults.clients import Clients
from tests.platform.faults.injections import CLIENT_ROOMS, CLIENTS, RECONNECT_SECONDS, ws_processes

COUNT = "database_query_duration_seconds_count"


async def queries(processes: Iterable[Process]) -> int:
    """Return how many statements the processes have sent to the database so far."""
    async with httpx.AsyncClient() as http:
        texts = [(await http.get(f"{process.url}/metrics")).text for process in processes]
    counts = [line for text in texts for line in text.splitlines() if line.startswith(COUNT)]
    return sum(int(float(line.split()[-1])) for line in counts)


async def test_2000_clients_reconnect_at_once_and_share_database_queries(stack, figures):
    rooms = [f"reconnect-{number}" for number in range(CLIENT_ROOMS)]
    async with Clients(stack.url, rooms * (CLIENTS // CLIENT_ROOMS)) as clients:
        await clients.wait_until_all_are_online()
        clients.failed_handshakes.clear()
        before = await queries(ws_processes(stack))
        clients.drop_all()
        await clients.wait_for(lambda: all(len(member.welcomes) > 1 for member in clients.members), RECONNECT_SECONDS)
        asked = await queries(ws_processes(stack)) - before
        slowest = max(member.welcomes[1] - member.closes[0].at for member in clients.members)
    figures.append(f"{CLIENTS:,} clients at once: all back after {slowest:.1f} s, with {asked} database queries")
    assert not [status for status in clients.failed_handshakes if status.startswith("5")], clients.failed_handshakes
    assert asked < CLIENTS / 2
