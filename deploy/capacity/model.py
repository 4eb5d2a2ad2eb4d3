"""The model of ``make capacity``: rates per second, their cost, and the number of processes.

The members of a room are on random processes, since least_conn of nginx does not consider rooms.
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
# The threads of the journal, authentication, revocations and readiness. Code that runs in asgiref's thread
# (database_sync_to_async, synchronous consumers) adds one.
POSTGRES_CONNECTIONS_PER_PROCESS = 4
MOST_PROCESSES = 100_000


class DoesNotFit(Exception):
    """No number of ws processes carries the load. The text names the work that takes most CPU time."""


@dataclass(frozen=True)
class Load:
    """The load: connections of ``chat.v1``, each in one room of ``room`` members.

    ``rate`` is messages per second in each room, ``text_bytes`` the length of one in UTF-8, ``lifetime`` the seconds
    that a connection stays open (0: forever), ``ping_interval`` in seconds.
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
    """The limits of one process.

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
    """Rates per second of all ws processes; ``*_pushes`` are messages that Redis sends to them."""

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
    """Return the mean number of processes with members of a room: balls thrown into bins."""
    return processes * -math.expm1(members * math.log1p(-1 / processes)) if processes > 1 else 1.0


def traffic(load: Load, processes: int) -> Traffic:
    """Return the rates with so many ws processes."""
    spread = processes_with_members(load.room, processes)
    topics = load.rooms * spread
    messages = load.rooms * load.rate
    arrivals = load.connections / load.lifetime if load.lifetime else 0.0
    # Members of one room that join or leave one process within 0.2 s are one announcement.
    per_topic = 2 * arrivals / topics
    changes = topics * per_topic / (1 + CHANGE_SECONDS * per_topic)
    # The first member of a room in a process makes the other processes announce theirs.
    asked = arrivals * (1 - 1 / processes) ** (load.room - 1) * (spread - 1)
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
        handshakes=arrivals,
        topics=topics,
    )


def ws_cores(traffic: Traffic, costs: UnitCosts) -> dict[str, float]:
    """Return the cores that all ws processes use together, by purpose."""
    microseconds = {
        "deliveries": traffic.deliveries * costs.delivery,
        "events": (traffic.event_pushes - traffic.messages) * costs.event,
        "messages": traffic.messages * costs.message,
        "presence": traffic.announcement_pushes * costs.announcement + traffic.presence_deliveries * costs.delivery,
        "open rooms": traffic.topics * costs.topic,
        "lobby counts": traffic.report_pushes * costs.announcement,
        "pings": traffic.pings * costs.ping,
        "handshakes": traffic.handshakes * costs.handshake,
        "idle processes": traffic.processes * costs.at_rest,
    }
    return {name: value / MICROSECONDS for name, value in microseconds.items()}


def redis_cores(traffic: Traffic, costs: UnitCosts) -> float:
    """Return the cores that all shards use together, including the idle cost of one."""
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
    """Return the cores that all nginx workers use together, for messages, acknowledgements, deliveries and pings."""
    frames = traffic.deliveries + traffic.presence_deliveries + 2 * traffic.messages + 2 * traffic.pings
    return frames * costs.nginx_frame / MICROSECONDS


def postgres_cores(traffic: Traffic, costs: UnitCosts) -> float:
    """Return the cores that the journal uses."""
    microseconds = traffic.messages * costs.postgres_message + traffic.topics * costs.postgres_topic
    return (microseconds + costs.postgres_at_rest) / MICROSECONDS


@dataclass(frozen=True)
class Tier:
    """A component with one or more processes. ``needs`` is the number that each limit requires; the highest counts."""

    needs: Mapping[str, float]
    cores: float
    memory_gib: float = 0.0

    @property
    def count(self) -> int:
        return max(1, math.ceil(max(self.needs.values())))

    @property
    def limited_by(self) -> str:
        return max(self.needs, key=lambda name: self.needs[name])


@dataclass(frozen=True)
class Plan:
    """The tiers, and the used share of resources that more processes do not extend (1.0: all of it)."""

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
        """Return the undivided resource with the highest use, which limits further growth."""
        return max(self.undivided, key=lambda name: self.undivided[name])

    @property
    def fits(self) -> bool:
        return all(share <= 1 for share in self.undivided.values())


def plan(load: Load, limits: Limits, costs: UnitCosts) -> Plan:
    """Return the smallest installation for the load; raises DoesNotFit."""
    processes = _fewest_processes(load, limits, costs)
    now = traffic(load, processes)
    by_purpose = ws_cores(now, costs)
    ws = Tier(_ws_needs(load, limits, costs, processes), sum(by_purpose.values()), _ws_memory(load, costs, processes))
    nginx = Tier(
        {
            "CPU": nginx_cores(now, costs) / limits.utilisation,
            # One connection to the client, one to ws.
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
    # The total work never decreases with more processes, so the first number that suffices is the smallest.
    while (needed := math.ceil(max(_ws_needs(load, limits, costs, processes).values()))) > processes:
        processes = needed
        if processes > MOST_PROCESSES:
            cores = ws_cores(traffic(load, processes), costs)
            raise DoesNotFit(
                f"more ws processes do not help, most of their work is {max(cores, key=cores.__getitem__)}"
            )
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
    """Yield the used share of each resource that exists once, whatever the number of processes."""
    spread = processes_with_members(load.room, traffic.processes)
    messages = load.rate * (costs.redis_publication + spread * costs.redis_push)
    announcements = traffic.announcements / load.rooms * (costs.redis_publication + spread * costs.redis_push)
    room = (messages + announcements) / MICROSECONDS
    lobby = (traffic.reports * costs.redis_publication + traffic.report_pushes * costs.redis_push) / MICROSECONDS
    per_process = load.room / spread * (load.rate * costs.delivery) / MICROSECONDS
    yield "Redis, shard of one room", room / limits.utilisation
    yield "Redis, shard of the lobby counts", lobby / limits.utilisation
    yield "ws, deliveries of one room in one process", per_process / limits.utilisation
    yield (
        "PostgreSQL, CPU of the primary",
        postgres_cores(traffic, costs) / (limits.postgres_cores * limits.utilisation),
    )
    connections = traffic.processes * POSTGRES_CONNECTIONS_PER_PROCESS
    yield "PostgreSQL, connections", connections / limits.postgres_connections
