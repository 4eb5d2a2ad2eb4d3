"""The faults that are injected while clients write."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis.asyncio as redis

from deploy.local import Process, ProcessFailed, Stack
from tests.platform.faults.clients import Clients
from tests.platform.faults.disk import filled, is_small, small_disk
from tests.platform.faults.proxy import redis_proxy
from tests.support.postgres import OWNER, Server

HOLD_SECONDS = 5.0
DOWN_SECONDS = 10.0
SQLITE, POSTGRES = "sqlite", "postgres"
# So many clients that reconnect at once must be back within these seconds.
CLIENTS, CLIENT_ROOMS, RECONNECT_SECONDS = 2_000, 20, 30.0
DISK_MEBIBYTES = 128


class NotPermitted(Exception):
    """This machine does not permit the fault; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``inject`` returns when the fault is over, and all processes are ready again; it may return a remark.

    It raises NotPermitted, with nothing done.
    """

    name: str
    inject: Callable[[Stack, Server | None], Awaitable[str | None]]
    # Close codes that members may see; 1006 means no close frame.
    close_codes: tuple[int, ...] = ()
    # The database to which the fault applies; None for both.
    only_on: str | None = None

    def is_for(self, postgres: Server | None) -> bool:
        return self.only_on in (None, POSTGRES if postgres else SQLITE)


async def nothing(stack: Stack, postgres: Server | None) -> None:
    """No fault, for comparison."""


async def stop_each_ws(stack: Stack, postgres: Server | None) -> None:
    """SIGTERM to one ws process after the other: each drains, and is started again."""
    for process in ws_processes(stack):
        await restart(process)


async def stop_web(stack: Stack, postgres: Server | None) -> None:
    """SIGTERM to Gunicorn."""
    await restart(stack.process("web"))


async def stop_redis(stack: Stack, postgres: Server | None) -> None:
    """SIGTERM to Redis; it comes back empty, and at once."""
    await restart(stack.process("redis"))


async def stop_nginx(stack: Stack, postgres: Server | None) -> None:
    """SIGTERM to nginx: it closes every connection, and all clients reconnect."""
    await restart(stack.process("nginx"))


async def restart_all(stack: Stack, postgres: Server | None) -> None:
    """A deploy: SIGTERM to every process in turn, the database included; each is started before the next is stopped."""
    for process in [*([postgres.process] if postgres else []), *stack.processes]:
        await restart(process)


async def kill_each_ws(stack: Stack, postgres: Server | None) -> None:
    """SIGKILL one ws process after the other, and start it again."""
    for process in ws_processes(stack):
        process.kill()
        await start(process)


async def kill_all_ws(stack: Stack, postgres: Server | None) -> None:
    """SIGKILL all ws processes in one moment."""
    for process in ws_processes(stack):
        process.kill()
    for process in ws_processes(stack):
        await start(process)


async def freeze_ws(stack: Stack, postgres: Server | None) -> None:
    """SIGSTOP a ws process, as a host does that swaps or is moved."""
    await pause(stack.process("ws-1"))


async def kill_web(stack: Stack, postgres: Server | None) -> None:
    """SIGKILL Gunicorn with its workers."""
    stack.process("web").kill()
    await start(stack.process("web"))


async def kill_redis(stack: Stack, postgres: Server | None) -> None:
    """SIGKILL Redis, and start it after a while; it comes back empty."""
    stack.process("redis").kill()
    await asyncio.sleep(DOWN_SECONDS)
    await start(stack.process("redis"))


async def empty_redis(stack: Stack, postgres: Server | None) -> None:
    """SIGKILL Redis, and start it at once; it comes back empty."""
    stack.process("redis").kill()
    await start(stack.process("redis"))


async def freeze_redis(stack: Stack, postgres: Server | None) -> None:
    """SIGSTOP Redis: connections stay, and nobody answers."""
    await pause(stack.process("redis"))


async def flush_redis(stack: Stack, postgres: Server | None) -> None:
    """FLUSHALL and cut off every client, five times."""
    async with redis.Redis.from_url(stack.process("redis").url) as client:
        for _ in range(5):
            await client.flushall()
            for kind in ("pubsub", "normal"):
                await client.client_kill_filter(_type=kind, skipme=True)
            await asyncio.sleep(HOLD_SECONDS / 5)


async def cut_network(stack: Stack, postgres: Server | None) -> str:
    """Two of the three ws processes are cut off from Redis: what they send is swallowed, and nobody tells them."""
    proxy = redis_proxy(stack)
    processes = ws_processes(stack)[:2]
    settings = {process.name: process.environment for process in processes}
    await start(proxy)
    try:
        for process in processes:
            process.environment = {**process.environment, "REDIS_URL": proxy.url}
            await restart(process)
        await pause(proxy, DOWN_SECONDS)
    finally:
        for process in processes:
            process.environment = settings[process.name]
            await restart(process)
        proxy.kill()
    return "both were drained before and after it, to move them behind the cable"


async def reload_nginx(stack: Stack, postgres: Server | None) -> None:
    """SIGHUP, five times: old workers keep their sockets, new ones take who comes."""
    for _ in range(5):
        stack.process("nginx").signal(signal.SIGHUP)
        await asyncio.sleep(HOLD_SECONDS / 5)


async def kill_nginx(stack: Stack, postgres: Server | None) -> None:
    """SIGKILL nginx: every socket is cut in one moment, and all come back in the next."""
    stack.process("nginx").kill()
    await start(stack.process("nginx"))


async def reconnect_clients(stack: Stack, postgres: Server | None) -> str:
    """2,000 more members lose their connections in one moment, and all come back in the next, without a delay."""
    rooms = [f"reconnect-{time.time_ns()}-{number}" for number in range(CLIENT_ROOMS)]
    async with Clients(stack.url, rooms * (CLIENTS // CLIENT_ROOMS)) as clients:
        await clients.wait_until_all_are_online()
        before = clients.failed_handshakes.copy()
        began = time.monotonic()
        clients.drop_all()
        await clients.wait_for(lambda: all(len(member.welcomes) > 1 for member in clients.members), RECONNECT_SECONDS)
        seconds = time.monotonic() - began
    failed = dict(clients.failed_handshakes - before)
    return f"all {CLIENTS:,} were back after {seconds:.1f} s, failed handshakes: {failed or 'none'}"


async def restart_postgres(stack: Stack, postgres: Server | None) -> None:
    """SIGINT to PostgreSQL, which ends its sessions in an orderly way; it is started at once."""
    assert postgres
    await restart(postgres.process)


async def stop_postgres(stack: Stack, postgres: Server | None) -> None:
    """The same, and it is started after a while."""
    assert postgres
    await asyncio.to_thread(postgres.process.stop)
    await asyncio.sleep(DOWN_SECONDS)
    await start(postgres.process)


async def crash_postgres(stack: Stack, postgres: Server | None) -> None:
    """SIGKILL PostgreSQL; it recovers from its log when it is started."""
    assert postgres
    postgres.process.kill()
    # Until the last of its sessions has noticed, it refuses to start.
    for _ in range(20):
        try:
            await start(postgres.process)
            return
        except ProcessFailed:
            await asyncio.sleep(0.2)
    await start(postgres.process)


async def lock_postgres(stack: Stack, postgres: Server | None) -> None:
    """Lock the table of rooms, as a migration does: everybody's queries wait."""
    async with await psycopg.AsyncConnection.connect(stack.environment["DATABASE_URL"]) as connection:
        await connection.execute("LOCK TABLE feed_feed IN ACCESS EXCLUSIVE MODE")
        await asyncio.sleep(HOLD_SECONDS)


async def fill_postgres_disk(stack: Stack, postgres: Server | None) -> None:
    """The table of messages is on a disk of its own, which is full for a while."""
    directory = Path(tempfile.mkdtemp(prefix="tablespace-"))
    try:
        with small_disk(directory, DISK_MEBIBYTES):
            if not is_small(directory):
                raise NotPermitted("Only root may mount a small disk.")
            os.chown(directory, pwd.getpwnam(OWNER).pw_uid, -1)
            url = stack.environment["DATABASE_URL"]
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                await connection.execute(f"CREATE TABLESPACE small LOCATION '{directory}'".encode())
                await connection.execute("ALTER TABLE feed_post SET TABLESPACE small")
                with filled(directory):
                    await asyncio.sleep(HOLD_SECONDS)
                await connection.execute("ALTER TABLE feed_post SET TABLESPACE pg_default")
                await connection.execute("DROP TABLESPACE small")
    finally:
        shutil.rmtree(directory)


async def lock_sqlite(stack: Stack, postgres: Server | None) -> None:
    """Hold SQLite's write lock, as a backup or a long migration does."""
    with sqlite_lock(stack):
        await asyncio.sleep(HOLD_SECONDS)


async def fill_sqlite_disk(stack: Stack, postgres: Server | None) -> None:
    """The disk of the database is full for a while."""
    directory = sqlite_path(stack).parent
    if not is_small(directory):
        raise NotPermitted("Only root may mount a small disk.")
    with filled(directory):
        await asyncio.sleep(HOLD_SECONDS)


FAULTS = [
    Fault("none", nothing),
    Fault("SIGTERM to each ws process", stop_each_ws, (1012,)),
    Fault("SIGKILL to each ws process", kill_each_ws, (1006,)),
    Fault("SIGKILL to all ws processes", kill_all_ws, (1006,)),
    Fault("a ws process paused for 5 s", freeze_ws),
    Fault("SIGTERM to web", stop_web),
    Fault("SIGKILL to web", kill_web),
    Fault("nginx reloaded 5 times", reload_nginx),
    Fault("SIGTERM to nginx", stop_nginx, (1006,)),
    Fault("SIGKILL to nginx", kill_nginx, (1006,)),
    Fault("2,000 clients reconnecting at once", reconnect_clients),
    Fault("SIGTERM to Redis", stop_redis),
    Fault("SIGKILL to Redis", empty_redis),
    Fault("Redis down for 10 s", kill_redis),
    Fault("Redis paused for 5 s", freeze_redis),
    Fault("Redis flushed and all clients killed, 5 times", flush_redis),
    Fault("2 ws processes partitioned from Redis for 10 s", cut_network, (1012,)),
    Fault("SIGINT to PostgreSQL", restart_postgres, only_on=POSTGRES),
    Fault("SIGKILL to PostgreSQL", crash_postgres, only_on=POSTGRES),
    Fault("PostgreSQL down for 10 s", stop_postgres, only_on=POSTGRES),
    Fault("PostgreSQL table locked for 5 s", lock_postgres, only_on=POSTGRES),
    Fault("PostgreSQL's disk full for 5 s", fill_postgres_disk, only_on=POSTGRES),
    Fault("SQLite locked for 5 s", lock_sqlite, only_on=SQLITE),
    Fault("SQLite's disk full for 5 s", fill_sqlite_disk, only_on=SQLITE),
    Fault("every process restarted in turn", restart_all, (1006, 1012)),
]


def ws_processes(stack: Stack) -> list[Process]:
    return [process for process in stack.processes if process.role == "ws"]


async def start(process: Process) -> None:
    """Start a process, and return when it is ready."""
    process.start()
    await asyncio.to_thread(process.wait_ready, 30)


async def restart(process: Process) -> None:
    """Tell a process to stop, and start it again; raises ProcessFailed where it did not end with 0."""
    if code := await asyncio.to_thread(process.stop, 30):
        raise ProcessFailed(f"{process.name} was told to stop, and ended with {code} (log: {process.log})")
    await start(process)


async def pause(process: Process, seconds: float = HOLD_SECONDS) -> None:
    """SIGSTOP the process for some seconds."""
    process.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        process.signal(signal.SIGCONT)
    await asyncio.to_thread(process.wait_ready, 30)


def sqlite_path(stack: Stack) -> Path:
    return Path(stack.environment["DATABASE_URL"].removeprefix("sqlite:///"))


@contextlib.contextmanager
def sqlite_lock(stack: Stack) -> Iterator[Any]:
    """Hold the lock that every writer needs; readers go on, as the journal is in WAL mode."""
    with contextlib.closing(sqlite3.connect(sqlite_path(stack), timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("ROLLBACK")
