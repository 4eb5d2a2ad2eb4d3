"""Consumers with groups while Redis is away: delivery at most once, and every consumer receives events afterwards."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import psycopg
import pytest
import redis.asyncio as redis
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from deploy.local import Process, Stack
from tests.platform.faults.injections import start
from tests.support.postgres import Server
from tests.support.raw_sockets import metric
from tests.support.rooms import RoomMember, member

KINDS = ["async", "sync", "stock-async"]
# Three missed heartbeats of two seconds, the next look, and what a busy machine adds.
DEAF_SECONDS = 40
OUTAGE_SECONDS = 2.0

Outage = Callable[[Process], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def killed(process: Process) -> AsyncIterator[None]:
    process.kill()
    yield
    await start(process)


@asynccontextmanager
async def frozen(process: Process) -> AsyncIterator[None]:
    process.signal(signal.SIGSTOP)
    try:
        # Longer than the channel layer waits for an answer.
        await asyncio.sleep(10)
        yield
    finally:
        process.signal(signal.SIGCONT)


@asynccontextmanager
async def emptied(process: Process) -> AsyncIterator[None]:
    async with redis.Redis.from_url(process.url) as client:
        await client.flushall()
    yield


@asynccontextmanager
async def cut(process: Process) -> AsyncIterator[None]:
    async with redis.Redis.from_url(process.url) as client:
        for kind in ("pubsub", "normal"):
            await client.client_kill_filter(_type=kind, skipme=True)
    yield


class Listener:
    """Notes the numbers that a member is told."""

    def __init__(self, member: RoomMember) -> None:
        self.member = member
        self.numbers: list[int] = []
        self.changed = asyncio.Event()
        self.task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for frame in self.member.connection:
            text = json.loads(frame).get("text", "")
            if text.isdecimal():
                self.numbers.append(int(text))
                self.changed.set()

    async def reaches(self, number: int) -> None:
        """Return when it was told this number, or a higher one."""
        while not self.numbers or self.numbers[-1] < number:
            assert not self.task.done(), "its socket was closed"
            self.changed.clear()
            await self.changed.wait()


class Speaker:
    """Says one number after the other, and comes again where its consumer was closed."""

    def __init__(self, process: Process, kind: str, room: str) -> None:
        self.process, self.kind, self.room = process, kind, room
        self.said = 0
        self.task = asyncio.create_task(self._speak())

    async def _speak(self) -> None:
        while True:
            with contextlib.suppress(ConnectionClosed, InvalidHandshake, OSError, TimeoutError):
                async with member(self.process, self.kind, self.room) as speaker:
                    while True:
                        self.said += 1
                        await speaker.order(say=f"{self.said}")
                        await asyncio.sleep(0.02)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("outage", [killed, frozen, emptied, cut])
async def test_members_keep_their_sockets_and_are_told_again_after_redis_was(
    stack: Stack, figures: list[str], outage: Outage, kind: str
) -> None:
    room = f"outage-{os.urandom(4).hex()}"
    ws_1, ws_2 = stack.process("ws-1"), stack.process("ws-2")
    interruptions = metric(ws_1.url, "channel_layer_interruptions_total")
    async with AsyncExitStack() as exits:
        listeners = [
            Listener(await exits.enter_async_context(member(process, kind, room)))
            for process in (ws_1, ws_2)
            for _ in range(3)
        ]
        speaker = Speaker(ws_2, kind, room)
        exits.callback(speaker.task.cancel)

        async def all_reach(number: int) -> None:
            async with asyncio.timeout(DEAF_SECONDS):
                for listener in listeners:
                    await listener.reaches(number)

        await all_reach(20)
        begun = speaker.said
        async with outage(stack.process("redis")):
            await asyncio.sleep(OUTAGE_SECONDS)
            # Members that join meanwhile receive it with all others, afterwards.
            listeners.append(Listener(await exits.enter_async_context(member(ws_1, kind, room, open_timeout=20))))
        back = speaker.said
        await all_reach(back + 1)
        again = max(listener.numbers[-1] for listener in listeners)
        await all_reach(again + 50)
        lost = 0
        for listener in listeners:
            numbers = listener.numbers
            assert numbers == sorted(set(numbers)), "an event was repeated, or out of order"
            missing = set(range(numbers[0], again + 50)) - set(numbers)
            assert all(begun - 5 <= number <= again for number in missing), "lost while Redis was there"
            lost = max(lost, len(missing))
    figures.append(f"groups of {kind} consumers, Redis {outage.__name__}: {lost} events lost to one member at most")
    if outage is not emptied:
        assert lost
        assert metric(ws_1.url, "channel_layer_interruptions_total") > interruptions
    else:
        assert not lost


@pytest.mark.parametrize("kind", ["async", "sync"])
async def test_a_send_that_redis_does_not_take_is_counted_and_closes_its_sender_only(stack: Stack, kind: str) -> None:
    room = f"unsent-{os.urandom(4).hex()}"
    ws = stack.process("ws-1")
    failed = metric(ws.url, "channel_layer_sends_failed_total")
    async with member(ws, kind, room) as listener, member(ws, kind, room) as speaker:
        await speaker.settled()
        stack.process("redis").kill()
        await speaker.order(say="into the void")
        assert await speaker.closed() == 1011
        assert metric(ws.url, "channel_layer_sends_failed_total") > failed
        # A member that sends nothing to others needs no Redis.
        await listener.settled()
        await start(stack.process("redis"))


@pytest.mark.parametrize("kind", ["async", "sync", "stock-async", "stock-sync"])
async def test_database_connections_do_not_grow_with_sockets_and_a_restarted_database_is_used_again(
    stack: Stack, postgres: Server | None, kind: str
) -> None:
    if postgres is None:
        pytest.skip("SQLite has no server to be restarted")
    room = f"database-{os.urandom(4).hex()}"
    ws = stack.process("ws-1")

    def connections() -> int:
        with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
            [(count,)] = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            ).fetchall()
        return int(count)

    async with member(ws, kind, room) as listener:
        await listener.do(users=None)
        await listener.order(on_said="users")
        await listener.settled()
        before = connections()
        for number in range(40):
            async with member(ws, kind, f"{room}-{number}") as asking:
                assert "users" in await asking.do(users=None)
        # A synchronous handler has any of the threads.
        assert connections() <= before + 3
        postgres.process.kill()
        postgres.process.start()
        await asyncio.to_thread(postgres.process.wait_ready, 30)
        # A connection that turns out to be broken costs one query, and the consumer that asked, as in Channels.
        for attempt in range(6):
            try:
                async with member(ws, kind, f"{room}-again-{attempt}") as asking:
                    assert "users" in await asking.do(users=None)
                break
            except ConnectionClosed:
                assert attempt < 5
