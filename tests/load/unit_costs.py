"""The unit costs of ``make capacity``: of a message, event, delivery, announcement, topic and ping, by process.

Each is the difference between two loads that differ in nothing else.
"""

import asyncio
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.capacity.model import REPEAT_SECONDS
from deploy.local import Stack
from tests.load.connections import ROOMS, settled_memory
from tests.load.fan_out import Figures
from tests.load.rooms import Rooms
from tests.load.servers import ServerMissing
from tests.support.limits import NO_LIMITS
from tests.support.postgres import PostgresMissing, Server
from tests.support.processes import cpu_seconds, memory_kib

PROCESSES = 4
SMALL_ROOM = 4
# No pings while idle connections are measured.
NO_PINGS = {"PING_INTERVAL": "3600"}
SETTLE_SECONDS = 3


@dataclass(frozen=True)
class Installation:
    """The stack with PostgreSQL, and the processes of each role."""

    stack: Stack
    postgres: Server

    @property
    def addresses(self) -> list[str]:
        """The addresses of the ws processes, without nginx."""
        return [process.url for process in self.stack.processes if process.role == "ws"]

    def process_ids(self, role: str) -> list[int]:
        processes = (
            [self.postgres.process] if role == "postgres" else [p for p in self.stack.processes if p.role == role]
        )
        return [process.pid for process in processes if process.pid]

    def cpu(self) -> Figures:
        """Return the CPU seconds that each role has used."""
        return {role: cpu_seconds(self.process_ids(role)) for role in ("ws", "redis", "nginx", "postgres")}


@contextmanager
def installation(directory: Path, processes: int, environment: dict[str, str]) -> Iterator[Installation]:
    """Start nginx, web, ws processes, Redis and PostgreSQL; raises ServerMissing where there is no PostgreSQL."""
    try:
        postgres = Server()
        postgres.start()
    except PostgresMissing as error:
        raise ServerMissing(str(error)) from None
    try:
        variables = {"DATABASE_URL": postgres.create_database(), **NO_LIMITS, **environment}
        with Stack(directory / str(processes), ws_processes=processes, environment=variables) as stack:
            yield Installation(stack, postgres)
    finally:
        postgres.stop()


async def unit_costs(
    server: str, directory: Path, rooms: int, rate: int, large_room: int, topics: int, connections: int, seconds: float
) -> Figures:
    """Measure with one process, then with PROCESSES, and return the unit costs."""
    with installation(directory, 1, NO_PINGS) as at:
        one = await Meter.at_rest(at, seconds)
        process_memory = await settled_memory(at.process_ids("ws"))
        small = await one.message(rooms, SMALL_ROOM, rate, seconds)
        large = await one.message(1, large_room, max(2, rate * SMALL_ROOM * 10 // large_room), seconds)
        idle, topic_memory = await one.keep_open(topics, 1, seconds)
    with installation(directory, PROCESSES, NO_PINGS) as at:
        several = await Meter.at_rest(at, seconds)
        spread = await several.message(rooms, SMALL_ROOM, rate, seconds)
        idle_spread, _ = await several.keep_open(topics, PROCESSES, seconds)
    with installation(directory / "pings", 1, {"PING_INTERVAL": "1"}) as at:
        ping, nginx_memory = await (await Meter.at_rest(at, seconds)).ping(connections, seconds)

    delivery = (large["ws"] - small["ws"]) / (large_room - SMALL_ROOM)
    push = (spread["redis"] - small["redis"]) / (PROCESSES - 1)
    # Per topic and second. All processes with members in a topic receive each of its announcements.
    received = (idle_spread["ws"] - idle["ws"]) / (PROCESSES - 1)
    return {
        "ws, µs per delivery": delivery,
        "ws, µs per event": (spread["ws"] - small["ws"]) / (PROCESSES - 1),
        "ws, µs per message": small["ws"] - SMALL_ROOM * delivery,
        "ws, µs per announcement": received * REPEAT_SECONDS,
        "ws, µs per topic and second": idle["ws"] - received,
        "ws, µs per process and second": several.rest["ws"] / PROCESSES * 1e6,
        "ws, µs per ping": ping,
        "Redis, µs per publication": small["redis"] - push,
        "Redis, µs per push": push,
        "Redis, µs per second": one.rest["redis"] * 1e6,
        "PostgreSQL, µs per message": small["postgres"],
        "PostgreSQL, µs per topic and second": idle["postgres"],
        "PostgreSQL, µs per second": one.rest["postgres"] * 1e6,
        "ws, KiB per process": process_memory,
        "ws, KiB per topic": topic_memory,
        "nginx, KiB per connection": nginx_memory,
    }


@dataclass(frozen=True)
class Meter:
    """Measures costs in microseconds of each role, beyond those of the idle installation (``rest``)."""

    at: Installation
    rest: Figures

    @classmethod
    async def at_rest(cls, at: Installation, seconds: float) -> "Meter":
        """Measure the cores that each role uses without connections."""
        await asyncio.sleep(SETTLE_SECONDS)
        before = at.cpu()
        await asyncio.sleep(seconds)
        after = at.cpu()
        return cls(at, {role: (after[role] - before[role]) / seconds for role in before})

    async def message(self, rooms: int, members: int, rate: float, seconds: float) -> Figures:
        """Return the cost of a message, without nginx."""
        async with Rooms(self.at.addresses, rooms, members) as people:
            await people.send_at_rate(rate, SETTLE_SECONDS)
            return await self._spent(people.send_at_rate(rate, seconds))

    async def keep_open(self, rooms: int, members: int, seconds: float) -> tuple[Figures, float]:
        """Return the cost of an open topic in one process per second, and its memory in KiB.

        ``rooms`` must be few enough that each is announced every REPEAT_SECONDS.
        """
        ids, topics = self.at.process_ids("ws"), rooms * members
        # Memory of the first members, and of connections, is not a cost of a topic.
        async with Rooms(self.at.addresses, 1, topics):
            without = await settled_memory(ids)
        async with Rooms(self.at.addresses, rooms, members):
            memory = (await settled_memory(ids) - without) / topics
            return await self._spent(asyncio.sleep(seconds, topics * seconds)), memory

    async def ping(self, connections: int, seconds: float) -> tuple[float, float]:
        """Return the cost of a ping with its pong in ws, and the memory of nginx per connection in KiB."""
        nginx = self.at.process_ids("nginx")
        async with Rooms([self.at.stack.url], ROOMS, 1):
            pass
        memory = memory_kib(nginx)
        async with Rooms([self.at.stack.url], ROOMS, connections // ROOMS):
            await asyncio.sleep(SETTLE_SECONDS)
            memory = memory_kib(nginx) - memory
            return (await self._spent(asyncio.sleep(seconds, connections * seconds)))["ws"], memory / connections

    async def _spent(self, work: Awaitable[float]) -> Figures:
        """Return the cost of the work, divided by the number that it returns."""
        begun, before = time.perf_counter(), self.at.cpu()
        times = await work
        seconds, after = time.perf_counter() - begun, self.at.cpu()
        return {role: (after[role] - before[role] - self.rest[role] * seconds) / times * 1e6 for role in before}
