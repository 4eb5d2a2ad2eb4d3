"""Redis is the wire between processes. Without it they poll the journal every two seconds."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
import redis.asyncio as redis

from deploy.local import Process
from tests.platform.faults.injections import start
from tests.support.client import Client
from tests.support.load import count

# A message takes milliseconds through Redis, and two seconds by polling when it is said right after a poll.
FAST_SECONDS = 0.5
# Two seconds, and what a busy machine adds.
POLLED_SECONDS = 6.0
RECOVERY_SECONDS = 20.0


async def transit(speaker: Client, *listeners: Client) -> float:
    """Say something, and return after how many seconds the last listener had it."""
    message_id = await speaker.say("are you there?")
    arrived = [(await listener.wait_for_delivery(message_id)).at for listener in listeners]
    # It may come before the acknowledgement, without which it counts as one that nobody wrote.
    await speaker.wait_for(lambda: message_id in speaker.acknowledged)
    return max(arrived) - speaker.sent_at[message_id]


async def seconds_until_fast(speaker: Client, *listeners: Client) -> float:
    """Return after how long three messages in a row were fast; raises TimeoutError."""
    started = time.monotonic()
    fast_since, in_a_row = started, 0
    async with asyncio.timeout(RECOVERY_SECONDS):
        while in_a_row < 3:
            began = time.monotonic()
            if await transit(speaker, *listeners) < FAST_SECONDS:
                fast_since = fast_since if in_a_row else began
                in_a_row += 1
            else:
                in_a_row = 0
    return fast_since - started


@asynccontextmanager
async def killed(process: Process) -> AsyncIterator[None]:
    process.kill()
    yield
    await start(process)


@asynccontextmanager
async def stopped(process: Process) -> AsyncIterator[None]:
    process.signal(signal.SIGSTOP)
    yield
    process.signal(signal.SIGCONT)


@asynccontextmanager
async def mute(process: Process) -> AsyncIterator[None]:
    """In its place something takes connections and never answers."""
    process.kill()
    accepted: list[asyncio.StreamWriter] = []
    address = urlsplit(process.url)
    async with await asyncio.start_server(
        lambda reader, writer: accepted.append(writer), address.hostname, address.port
    ) as server:
        yield
        server.close()
        for writer in accepted:
            writer.transport.abort()
    await start(process)


@pytest.mark.parametrize("outage", [killed, stopped, mute])
async def test_delivery_goes_on_by_polling_and_is_fast_again_when_redis_is_back(stack, enter, figures, outage):
    name = f"Redis {outage.__name__}"
    async with AsyncExitStack() as members:
        alice, bob, carol = [
            await members.enter_async_context(enter(member, f"ws-{number}"))
            for number, member in enumerate(("alice", "bob", "carol"), start=1)
        ]
        await seconds_until_fast(alice, bob, carol)
        async with outage(stack.process("redis")):
            times = [await transit(alice, bob, carol) for _ in range(4)]
            figures.append(f"{name}: a message reached the other processes after {max(times):.2f} s at most")
            assert max(times) < POLLED_SECONDS
            assert await transit(alice, alice) < FAST_SECONDS, "members of the same process need no Redis"
            await is_degraded(stack.process("ws-1").url)
            dora = await members.enter_async_context(enter("dora", "ws-2"))
        seconds = await seconds_until_fast(alice, bob, carol, dora)
        figures.append(f"{name}: fast again {seconds:.2f} s after it was back")
        for member in (alice, bob, carol, dora):
            await member.wait_for(lambda member=member: member.presence == 4)
            assert len(member.welcomes) == 1, "a socket was lost"
        found = count(alice, bob, carol, dora)
        assert found.is_clean, found


async def is_degraded(url: str) -> None:
    async with httpx.AsyncClient(timeout=10) as http:
        answer = await http.get(f"{url}/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["database"] == "ok"
    assert answer.json()["redis"] != "ok"


async def test_members_who_come_while_redis_is_away_hear_each_other_when_it_is_back(stack, enter, figures):
    stack.process("redis").kill()
    async with enter("alice", "ws-1") as alice, enter("bob", "ws-2") as bob:
        assert await transit(alice, bob) < POLLED_SECONDS
        await start(stack.process("redis"))
        seconds = await seconds_until_fast(alice, bob)
        figures.append(f"Redis away when the first member came: fast {seconds:.2f} s after it was back")
        await alice.wait_for(lambda: alice.presence == 2)
        assert count(alice, bob).is_clean


async def test_flushall_and_cut_connections_lose_nothing(stack, enter, figures):
    async with enter("alice", "ws-1") as alice, enter("bob", "ws-2") as bob:
        await seconds_until_fast(alice, bob)
        async with redis.Redis.from_url(stack.process("redis").url) as client:
            await client.flushall()
            assert await transit(alice, bob) < POLLED_SECONDS
            for kind in ("pubsub", "normal"):
                await client.client_kill_filter(_type=kind, skipme=True)
        times = [await transit(speaker, alice, bob) for speaker in (alice, bob) * 5]
        figures.append(f"Redis cut all connections: a message took {max(times):.2f} s at most")
        assert max(times) < POLLED_SECONDS
        assert count(alice, bob).is_clean
