"""The arithmetic of ``make capacity``: what goes on per second, what that costs, and how many parts it takes.

Rooms are spread over the processes by chance, as nginx' least_conn does for all purposes: it knows no rooms.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploy.capacity.unit_costs import UnitCosts

MICROSECONDS, KIB_PER_GIB, KIB_PER_MIB = 1e6, 2**20, 2**10
# src/channels_live/hub/gossip.py, presence.py beside it, and apps/chat/lobby.py.
REPEAT_SECONDS, REPEATS_PER_SECOND, CHANGE_SECONDS, TOLD_PER_SECOND = 10.0, 50, 0.2, 1000
REPORT_SECONDS, REPORT_CHANGE_SECONDS = 10.0, 1.0
# An event holds its text twice, once per protocol. Announcements and reports hold names and counts.
EVENT_BYTES, ANNOUNCEMENT_BYTES, REPORT_BYTES = 420, 300, 1500
# net.ipv4.ip_local_port_range is 32768 to 60999: connections from one address to one ws process.
EPHEMERAL_PORTS = 28_232
# The threads of the journal, of authentication, of revocations and of readiness. Code of an app that runs in Channels'
# own thread (database_sync_to_async, synchronous consumers) adds one.
POSTGRES_CONNECTIONS_PER_PROCESS = 4
MOST_PROCESSES = 100_000


class DoesNotFit(Exception):
    """However many ws processes there are, each has more to do than it may. The text says with what."""


@dataclass(frozen=True)
class Load:
    """What is asked for: connections in ``chat.v1``, each in one room of ``room`` members.

    ``rate`` is messages per second in each room, ``text_bytes`` the length of one in UTF-8, ``lifetime`` the seconds
    that a connection stays (0: for ever), ``ping_interval`` in seconds.
    """

    connections: int = 10_000
    room: int = 20
    rate: float = 0.1
    text_bytes: int = 100
    lifetime: float = 3600
    ping_interval: float = 20

    @property
    def rooms(self) -> float:
        return self.connections / self.room


@dataclass(frozen=True)
class Limits:
    """What one part may take.

    ``utilisation`` is the share of its core that a process may use on average, ``descriptors`` the open files of a
    process, ``worker_connections`` those of one nginx worker, ``memory`` of a ws process in MiB, ``addresses`` those of
    nginx as ws sees them, ``bandwidth`` what one Redis may send in Mbit/s.
    """

    utilisation: float = 0.6
    descriptors: int = 20_000
    worker_connections: int = 10_000
    memory: int = 512
    addresses: int = 1
    bandwidth: float = 1000
    postgres_cores: int = 8
    postgres_connections: int = 100


@dataclass(frozen=True)
class Traffic:
    """What happens per second, over all ``processes`` of ws; ``*_pushes`` are what Redis gives to them."""

    processes: int
    messages: float
    deliveries: float
    event_pushes: float
    announcements: float
    announcement_pushes: float
    presence_deliveries: float
    reports: float
    report_pushes: float
    pings: float
    handshakes: float
    topics: float


def processes_with_members(members: int, processes: int) -> float:
    """Return on how many processes a room's members are on average: balls thrown into bins."""
    return processes * -math.expm1(members * math.log1p(-1 / processes)) if processes > 1 else 1.0


def traffic(load: Load, processes: int) -> Traffic:
    """Return what happens per second with so many ws processes."""
    spread = processes_with_members(load.room, processes)
    topics = load.rooms * spread
    messages = load.rooms * load.rate
    comings = load.connections / load.lifetime if load.lifetime else 0.0
    # Those of one room who come to or leave one process within 0.2 s are one announcement.
    per_topic = 2 * comings / topics
    changes = topics * per_topic / (1 + CHANGE_SECONDS * per_topic)
    # Whoever is the first of a room in a process asks all others of it for theirs.
    asked = comings * (1 - 1 / processes) ** (load.room - 1) * (spread - 1)
    announcements = min(topics / REPEAT_SECONDS, processes * REPEATS_PER_SECOND) + changes + asked
    reports = processes * (1 / REPORT_SECONDS + min(1 / REPORT_CHANGE_SECONDS, changes * spread / processes))
    return Traffic(
        processes=processes,
        messages=messages,
        deliveries=messages * load.room,
        event_pushes=messages * spread,
        announcements=announcements,
        announcement_pushes=announcements * spread,
        presence_deliveries=min(changes * load.room, topics * TOLD_PER_SECOND),
        reports=reports,
        report_pushes=reports * processes,
        pings=load.connections / load.ping_interval,
        handshakes=comings,
        topics=topics,
    )


def ws_cores(traffic: Traffic, costs: UnitCosts) -> dict[str, float]:
    """Return the cores that all ws processes use together, by what for."""
    microseconds = {
        "deliveries": traffic.deliveries * costs.delivery,
        "events": (traffic.event_pushes - traffic.messages) * costs.event,
        "messages": traffic.messages * costs.message,
        "presence": traffic.announcement_pushes * costs.announcement + traffic.presence_deliveries * costs.delivery,
        "rooms kept open": traffic.topics * costs.topic,
        "counts of the lobby": traffic.report_pushes * costs.announcement,
        "pings": traffic.pings * costs.ping,
        "handshakes": traffic.handshakes * costs.handshake,
        "processes at rest": traffic.processes * costs.at_rest,
    }
    return {name: value / MICROSECONDS for name, value in microseconds.items()}


def redis_cores(traffic: Traffic, costs: UnitCosts) -> float:
    """Return the cores that all shards use together; one of them is counted at rest too."""
    publications = traffic.messages + traffic.announcements + traffic.reports
    pushes = traffic.event_pushes + traffic.announcement_pushes + traffic.report_pushes
    microseconds = publications * costs.redis_publication + pushes * costs.redis_push + costs.redis_at_rest
    return microseconds / MICROSECONDS


def redis_megabits(load: Load, traffic: Traffic) -> float:
    """Return what all shards send together, in Mbit/s."""
    bytes_sent = traffic.event_pushes * (EVENT_BYTES + 2 * load.text_bytes)
    bytes_sent += traffic.announcement_pushes * ANNOUNCEMENT_BYTES + traffic.report_pushes * REPORT_BYTES
    return bytes_sent * 8 / 1e6


def nginx_cores(traffic: Traffic, costs: UnitCosts) -> float:
    """Return the cores that all nginx workers use together: a message comes in and its acknowledgement goes out."""
    frames = traffic.deliveries + traffic.presence_deliveries + 2 * traffic.messages + 2 * traffic.pings
    return frames * costs.nginx_frame / MICROSECONDS


def postgres_cores(traffic: Traffic, costs: UnitCosts) -> float:
    """Return the cores that the journal uses."""
    microseconds = traffic.messages * costs.postgres_message + traffic.topics * costs.postgres_topic
    return (microseconds + costs.postgres_at_rest) / MICROSECONDS


@dataclass(frozen=True)
class Tier:
    """A part of which there may be several. ``needs`` is how many each limit asks for; the highest decides."""

    needs: Mapping[str, float]
    cores: float
    memory_gib: float = 0.0

    @property
    def count(self) -> int:
        return max(1, math.ceil(max(self.needs.values())))

    @property
    def bound_by(self) -> str:
        return max(self.needs, key=lambda name: self.needs[name])


@dataclass(frozen=True)
class Plan:
    """How many of each part, and how much is used of what cannot be divided (1.0: all of it)."""

    traffic: Traffic
    ws: Tier
    ws_cores: Mapping[str, float]
    nginx: Tier
    redis: Tier
    postgres: Tier
    undivided: Mapping[str, float]

    @property
    def tiers(self) -> dict[str, Tier]:
        return {"ws": self.ws, "nginx": self.nginx, "redis": self.redis, "postgres": self.postgres}

    @property
    def binds_first(self) -> str:
        """Return what is used up first when everything grows: what cannot be divided is nearest to its end."""
        return max(self.undivided, key=lambda name: self.undivided[name])

    @property
    def fits(self) -> bool:
        return all(share <= 1 for share in self.undivided.values())


def plan(load: Load, limits: Limits, costs: UnitCosts) -> Plan:
    """Return the smallest installation that carries the load; raises DoesNotFit."""
    processes = _fewest_processes(load, limits, costs)
    now = traffic(load, processes)
    by_purpose = ws_cores(now, costs)
    ws = Tier(_ws_needs(load, limits, costs, processes), sum(by_purpose.values()), _ws_memory(load, costs, processes))
    nginx = Tier(
        {
            "CPU": nginx_cores(now, costs) / limits.utilisation,
            # One for the client, one for ws.
            "worker connections": 2 * load.connections / min(limits.worker_connections, limits.descriptors),
        },
        nginx_cores(now, costs),
        load.connections * costs.nginx_memory / KIB_PER_GIB,
    )
    redis = Tier(
        {
            "CPU": redis_cores(now, costs) / limits.utilisation,
            "bandwidth": redis_megabits(load, now) / limits.bandwidth,
        },
        redis_cores(now, costs),
    )
    postgres = Tier({"CPU": 1.0}, postgres_cores(now, costs))
    return Plan(now, ws, by_purpose, nginx, redis, postgres, dict(_undivided(load, limits, costs, now)))


def _fewest_processes(load: Load, limits: Limits, costs: UnitCosts) -> int:
    processes = 1
    # More processes have more to do together, never less, so the first number that suffices is the smallest.
    while (needed := math.ceil(max(_ws_needs(load, limits, costs, processes).values()))) > processes:
        processes = needed
        if processes > MOST_PROCESSES:
            cores = ws_cores(traffic(load, processes), costs)
            raise DoesNotFit(f"more processes do not help ws: most of the work is {max(cores, key=cores.__getitem__)}")
    return processes


def _ws_needs(load: Load, limits: Limits, costs: UnitCosts, processes: int) -> dict[str, float]:
    return {
        "CPU": sum(ws_cores(traffic(load, processes), costs).values()) / limits.utilisation,
        "descriptors": load.connections / limits.descriptors,
        "ephemeral ports": load.connections / (EPHEMERAL_PORTS * limits.addresses),
        "memory": _ws_memory(load, costs, processes) * KIB_PER_GIB / (limits.memory * KIB_PER_MIB),
    }


def _ws_memory(load: Load, costs: UnitCosts, processes: int) -> float:
    topics = load.rooms * processes_with_members(load.room, processes)
    kib = processes * costs.process_memory + load.connections * costs.connection_memory + topics * costs.topic_memory
    return kib / KIB_PER_GIB


def _undivided(load: Load, limits: Limits, costs: UnitCosts, traffic: Traffic) -> Iterator[tuple[str, float]]:
    """Yield the share that is used of what is there once, however many processes there are."""
    spread = processes_with_members(load.room, traffic.processes)
    messages = load.rate * (costs.redis_publication + spread * costs.redis_push)
    announcements = traffic.announcements / load.rooms * (costs.redis_publication + spread * costs.redis_push)
    room = (messages + announcements) / MICROSECONDS
    lobby = (traffic.reports * costs.redis_publication + traffic.report_pushes * costs.redis_push) / MICROSECONDS
    per_process = load.room / spread * (load.rate * costs.delivery) / MICROSECONDS
    yield "Redis, the shard of one room", room / limits.utilisation
    yield "Redis, the shard of the lobby's counts", lobby / limits.utilisation
    yield "ws, the deliveries of one room in one process", per_process / limits.utilisation
    yield (
        "PostgreSQL, CPU of the primary",
        postgres_cores(traffic, costs) / (limits.postgres_cores * limits.utilisation),
    )
    connections = traffic.processes * POSTGRES_CONNECTIONS_PER_PROCESS
    yield "PostgreSQL, connections", connections / limits.postgres_connections
