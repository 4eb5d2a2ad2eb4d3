"""What is done to the stack while people write."""

import asyncio
import contextlib
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import redis.asyncio as redis

from deploy.local import Part, Stack
from tests.postgres import Server

HOLD_SECONDS = 5.0
SQLITE, POSTGRES = "sqlite", "postgres"


@dataclass(frozen=True, slots=True)
class Fault:
    """``inject`` returns when the fault is over, and all parts are ready again."""

    name: str
    inject: Callable[[Stack, Server | None], Awaitable[None]]
    # The one database it is for; None for both.
    only_on: str | None = None

    def is_for(self, postgres: Server | None) -> bool:
        return self.only_on in (None, POSTGRES if postgres else SQLITE)


async def nothing(stack: Stack, postgres: Server | None) -> None:
    """No fault: what the others are compared with."""


async def kill_each_ws(stack: Stack, postgres: Server | None) -> None:
    """SIGKILL one ws process after the other, and start it again."""
    for part in ws_parts(stack):
        part.kill()
        await start(part)


async def kill_all_ws(stack: Stack, postgres: Server | None) -> None:
    """SIGKILL all ws processes in one moment."""
    for part in ws_parts(stack):
        part.kill()
    for part in ws_parts(stack):
        await start(part)


async def stop_ws_process(stack: Stack, postgres: Server | None) -> None:
    """SIGSTOP a ws process, as a host does that swaps or is moved."""
    await pause(stack.part("ws-1"))


async def kill_redis(stack: Stack, postgres: Server | None) -> None:
    """SIGKILL Redis; it comes back empty."""
    stack.part("redis").kill()
    await asyncio.sleep(HOLD_SECONDS)
    await start(stack.part("redis"))


async def stop_redis(stack: Stack, postgres: Server | None) -> None:
    """SIGSTOP Redis: connections stay, and nobody answers."""
    await pause(stack.part("redis"))


async def flush_redis(stack: Stack, postgres: Server | None) -> None:
    """FLUSHALL and cut off every client, five times."""
    async with redis.Redis.from_url(stack.part("redis").url) as client:
        for _ in range(5):
            await client.flushall()
            for kind in ("pubsub", "normal"):
                await client.client_kill_filter(_type=kind, skipme=True)
            await asyncio.sleep(HOLD_SECONDS / 5)


async def reload_nginx(stack: Stack, postgres: Server | None) -> None:
    """SIGHUP, five times: old workers keep their sockets, new ones take who comes."""
    for _ in range(5):
        stack.part("nginx").signal(signal.SIGHUP)
        await asyncio.sleep(HOLD_SECONDS / 5)


async def kill_nginx(stack: Stack, postgres: Server | None) -> None:
    """SIGKILL nginx: every socket is cut in one moment, and all come back in the next."""
    stack.part("nginx").kill()
    await start(stack.part("nginx"))


async def restart_postgres(stack: Stack, postgres: Server | None) -> None:
    """Stop PostgreSQL in an orderly way, and start it after a while."""
    assert postgres
    await asyncio.to_thread(postgres.part.stop)
    await asyncio.sleep(HOLD_SECONDS)
    await start(postgres.part)


async def crash_postgres(stack: Stack, postgres: Server | None) -> None:
    """SIGQUIT: PostgreSQL drops all sessions, and recovers from its log when it is started."""
    assert postgres
    postgres.part.signal(signal.SIGQUIT)
    await asyncio.to_thread(postgres.part.wait_stopped, 10)
    await start(postgres.part)


async def lock_postgres(stack: Stack, postgres: Server | None) -> None:
    """Lock the table of rooms, as a migration does: everybody's queries wait."""
    async with await psycopg.AsyncConnection.connect(stack.environment["DATABASE_URL"]) as connection:
        await connection.execute("LOCK TABLE chat_room IN ACCESS EXCLUSIVE MODE")
        await asyncio.sleep(HOLD_SECONDS)


async def lock_sqlite(stack: Stack, postgres: Server | None) -> None:
    """Hold SQLite's write lock, as a backup or a long migration does."""
    with sqlite_lock(stack):
        await asyncio.sleep(HOLD_SECONDS)


FAULTS = [
    Fault("nothing", nothing),
    Fault("each ws process killed", kill_each_ws),
    Fault("all ws processes killed", kill_all_ws),
    Fault("a ws process stopped for 5 s", stop_ws_process),
    Fault("Redis killed for 5 s, back empty", kill_redis),
    Fault("Redis stopped for 5 s", stop_redis),
    Fault("Redis emptied, all cut off, 5 times", flush_redis),
    Fault("nginx reloaded 5 times", reload_nginx),
    Fault("nginx killed", kill_nginx),
    Fault("PostgreSQL restarted, 5 s away", restart_postgres, POSTGRES),
    Fault("PostgreSQL crashed", crash_postgres, POSTGRES),
    Fault("PostgreSQL locked for 5 s", lock_postgres, POSTGRES),
    Fault("SQLite locked for 5 s", lock_sqlite, SQLITE),
]


def ws_parts(stack: Stack) -> list[Part]:
    return [part for part in stack.parts if part.role == "ws"]


async def start(part: Part) -> None:
    """Start a part, and return when it is ready."""
    part.start()
    await asyncio.to_thread(part.wait_ready, 30)


async def pause(part: Part) -> None:
    """SIGSTOP the part for HOLD_SECONDS."""
    part.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(HOLD_SECONDS)
    finally:
        part.signal(signal.SIGCONT)
    await asyncio.to_thread(part.wait_ready, 30)


@contextlib.contextmanager
def sqlite_lock(stack: Stack) -> Iterator[Any]:
    """Hold the lock that every writer needs; readers go on, as the journal is in WAL mode."""
    path = stack.environment["DATABASE_URL"].removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("ROLLBACK")
