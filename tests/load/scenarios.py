"""The scenarios of the benchmark, and the servers that each runs on."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.load import abuser, connections, durable, fan_out, slow_member
from tests.load.fan_out import Figures
from tests.load.servers import BASELINE
from tests.load.small_rooms import small_rooms
from tests.load.unit_costs import unit_costs


@dataclass(frozen=True)
class Scenario:
    """A load; ``load`` describes it, as a format string for the arguments.

    ``measure`` runs it once on a fresh server, with the arguments of a full or a quick run.
    """

    name: str
    load: str
    measure: Callable[..., Awaitable[Figures]]
    servers: tuple[str, ...]
    full: Mapping[str, Any]
    quick: Mapping[str, Any]
    quick_servers: tuple[str, ...] = ("ours",)

    def servers_of(self, is_quick: bool) -> tuple[str, ...]:
        servers = self.quick_servers if is_quick else self.servers
        return ("baseline", *servers) if BASELINE and "ours" in servers else servers

    def arguments_of(self, is_quick: bool) -> Mapping[str, Any]:
        return self.quick if is_quick else self.full

    def load_of(self, is_quick: bool) -> str:
        return self.load.format(**self.arguments_of(is_quick))

    async def run(self, server: str, directory: Path, is_quick: bool) -> Figures:
        return await self.measure(server, directory, **self.arguments_of(is_quick))


# On stock Daphne, and on our server: with one import changed, and as it is.
TUTORIALS = ("tutorial", "tutorial-import", "tutorial-unmodified")
SCENARIOS = [
    Scenario(
        "fan-out",
        "{members:,} members in one room, 64-byte text, one in flight",
        fan_out.one_in_flight,
        ("ours", *TUTORIALS, "tutorial-core", "uvicorn", "node-ws", "socket.io", "bun", "bun-redis"),
        {"members": 1000, "seconds": 4},
        {"members": 1000, "seconds": 1},
        ("ours", "tutorial", "tutorial-import", "node-ws", "socket.io", "bun"),
    ),
    Scenario(
        "busy fan-out",
        "{members} members, {rate} messages/s from {senders} of them; this project with COALESCE_MS={coalesce}",
        fan_out.busy,
        ("ours", "node-ws", "socket.io", "bun"),
        {"members": 500, "rate": 200, "senders": 10, "seconds": 5, "coalesce": 30},
        {"members": 500, "rate": 200, "senders": 10, "seconds": 2, "coalesce": 30},
    ),
    Scenario(
        "latency",
        "{members} members, {rate} messages/s",
        fan_out.latency,
        ("ours", "node-ws", "socket.io", "bun"),
        {"members": 500, "rate": 20, "seconds": 5},
        {"members": 500, "rate": 20, "seconds": 2},
        ("ours", "node-ws"),
    ),
    Scenario(
        "idle connection",
        "{members:,} idle members in 40 rooms; growth of the memory (PSS)",
        connections.idle,
        ("ours", *TUTORIALS, "uvicorn", "daphne", "node-ws", "socket.io", "bun"),
        {"members": 4000},
        {"members": 1000},
        ("ours", "tutorial", "tutorial-import"),
    ),
    Scenario(
        "handshake",
        "{batches} × {members} guests connect to 40 rooms, without nginx; closing is not counted",
        connections.handshake,
        ("ours", *TUTORIALS, "uvicorn", "daphne", "node-ws", "socket.io", "bun"),
        {"members": 250, "batches": 4},
        {"members": 200, "batches": 1},
        ("ours", "tutorial", "tutorial-import"),
    ),
    Scenario(
        "small rooms",
        "{rooms} rooms of {members}, {rate} messages/s in total, PostgreSQL with fsync; CPU time per message",
        small_rooms,
        ("ours",),
        {"rooms": 100, "members": 10, "rate": 400, "seconds": 10},
        {"rooms": 100, "members": 10, "rate": 400, "seconds": 5},
    ),
    Scenario(
        "durable sends",
        "{senders} senders in {rooms} rooms, acknowledged after a commit with fsync; latency at {rate:,} messages/s",
        durable.durable,
        ("ours",),
        {"senders": 50, "rooms": 10, "window": 20, "rate": 1000, "seconds": 5},
        {"senders": 50, "rooms": 10, "window": 20, "rate": 1000, "seconds": 2},
    ),
    Scenario(
        "Redis commands",
        "commands that MONITOR shows, per message of a room",
        fan_out.redis_commands,
        ("ours",),
        {"members": (10, 1000), "messages": 100},
        {"members": (10, 1000), "messages": 20},
    ),
    Scenario(
        "through nginx",
        "fan-out as above, through nginx",
        fan_out.through_nginx,
        ("ours",),
        {"members": 1000, "seconds": 4},
        {"members": 1000, "seconds": 1},
    ),
    Scenario(
        "more processes",
        "fan-out as above, the members divided among the processes",
        fan_out.more_processes,
        ("ours",),
        {"members": 1000, "seconds": 4, "processes": (1, 4)},
        {"members": 1000, "seconds": 1, "processes": (1, 4)},
    ),
    Scenario(
        "slow member",
        "{members} members receive {messages} messages of {kilobytes} kB, without and with a member that reads nothing",
        slow_member.slow_member,
        ("ours", "tutorial", "node-ws"),
        {"members": 20, "messages": 400, "kilobytes": 60},
        {"members": 20, "messages": 100, "kilobytes": 60},
    ),
    Scenario(
        "abuser",
        "{members} members, {rate} messages/s; one client sends {flood:,}/s, is closed, and reconnects after a second",
        abuser.abuser,
        ("ours",),
        {"members": 100, "rate": 20, "flood": 10_000, "seconds": 5, "rounds": 5},
        {"members": 100, "rate": 20, "flood": 10_000, "seconds": 3, "rounds": 3},
    ),
    Scenario(
        "unit costs",
        "{rooms} rooms of 4, one of {large_room:,}, {topics} idle; {connections:,} pinged sockets; 1 and 4 processes",
        unit_costs,
        ("ours",),
        {"rooms": 50, "rate": 200, "large_room": 1000, "topics": 500, "connections": 2000, "seconds": 10},
        {"rooms": 50, "rate": 200, "large_room": 500, "topics": 300, "connections": 800, "seconds": 2},
        # Differences between short runs are noise, and this scenario starts three stacks.
        quick_servers=(),
    ),
]
