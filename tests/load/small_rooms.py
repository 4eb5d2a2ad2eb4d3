"""The cost of a message in many small rooms, as most deployments have."""

from pathlib import Path

from tests.load.fan_out import Figures
from tests.load.rooms import Rooms
from tests.load.servers import running
from tests.support.limits import NO_LIMITS
from tests.support.postgres import Server
from tests.support.processes import cpu_seconds


async def small_rooms(server: str, directory: Path, rooms: int, members: int, rate: float, seconds: float) -> Figures:
    """Return the CPU time of one ws process and of PostgreSQL per message, on a PostgreSQL that syncs commits."""
    postgres = Server()
    postgres.start()
    try:
        environment = {"DATABASE_URL": postgres.create_database(), **NO_LIMITS}
        with running(server, directory, environment=environment) as ws:
            async with Rooms(ws.urls, rooms, members) as at:
                await at.send_at_rate(rate, 1)
                processes = {"ws": ws.process_ids, "PostgreSQL": [postgres.process.pid or 0]}
                before = {name: cpu_seconds(ids) for name, ids in processes.items()}
                messages = await at.send_at_rate(rate, seconds)
                return {
                    f"{name}, µs of CPU per message": (cpu_seconds(ids) - before[name]) / messages * 1e6
                    for name, ids in processes.items()
                }
    finally:
        postgres.stop()
