"""SIGTERM, step by step: what a probe, a member and a sender see of a process that stops."""

import asyncio
import contextlib
import json
import re
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from deploy.local import Process, Stack
from tests.platform.faults.injections import sqlite_lock, start
from tests.support.load import count
from tests.support.postgres import Server

SERVICE_RESTART = 1012
# What a container has beyond DRAIN_DELAY and DRAIN_SECONDS, and what a busy machine adds.
GRACE_SECONDS = 10 + 10

RestartWith = Callable[..., Process]
Lock = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture
def restart_with(stack: Stack) -> Iterator[RestartWith]:
    """Restart ws-1 with other settings, for one test; none may leave a traceback in its log."""
    process = stack.process("ws-1")
    settings, logged = process.environment, process.log.stat().st_size

    def restart_with(**changed: str) -> Process:
        process.stop()
        process.environment = {**settings, **changed}
        process.start()
        process.wait_ready()
        return process

    yield restart_with
    process.kill()
    process.environment = settings
    assert "Traceback" not in process.log.read_bytes()[logged:].decode()


@pytest.fixture
def journal_locked(stack: Stack, postgres: Server | None) -> Lock:
    """Hold a lock that every commit waits for, while reading goes on."""

    @asynccontextmanager
    async def locked() -> AsyncIterator[None]:
        if postgres is None:
            with sqlite_lock(stack):
                yield
            return
        async with await psycopg.AsyncConnection.connect(stack.environment["DATABASE_URL"]) as connection:
            await connection.execute("LOCK TABLE feed_feed IN EXCLUSIVE MODE")
            yield

    return locked


@asynccontextmanager
async def socket(process: Process, room: str, query: str = "", **options: Any) -> AsyncIterator[ClientConnection]:
    """A socket of one ws process that has been welcomed, and does not come back."""
    async with connect(
        f"{process.url.replace('http', 'ws', 1)}/ws/feed/{room}/{query}",
        origin=process.url,  # type: ignore[arg-type]
        subprotocols=["journal.v1"],  # type: ignore[list-item]
        compression=None,
        proxy=None,
        close_timeout=1,
        **options,
    ) as connection:
        assert json.loads(await connection.recv())["type"] == "welcome"
        yield connection


async def until_closed(connection: ClientConnection) -> tuple[list[dict[str, Any]], int]:
    """Return all frames that come before the close, and its code; 1006 where there was no close frame."""
    frames = []
    try:
        async with asyncio.timeout(60):
            while True:
                frames.append(json.loads(await connection.recv()))
    except ConnectionClosed as error:
        return frames, error.rcvd.code if error.rcvd else 1006


async def until_draining(process: Process) -> None:
    """Return when the readiness probe of the process answers 503, or no more, after SIGTERM."""
    async with httpx.AsyncClient() as http, asyncio.timeout(10):
        with contextlib.suppress(httpx.TransportError):
            while (await http.get(f"{process.url}/readyz")).status_code != 503:
                pass


async def exit_code(process: Process) -> int:
    """Return the exit code of a process that ends by itself; raises TimeoutExpired where it does not."""
    assert process.popen
    return await asyncio.to_thread(process.popen.wait, GRACE_SECONDS)


async def test_readiness_fails_at_once_and_listening_ends_after_drain_delay(stack, room, restart_with):
    process = restart_with(DRAIN_DELAY="3", DRAIN_SECONDS="3")
    # A draining process closes a persistent connection after its response.
    no_keepalive = httpx.Limits(max_keepalive_connections=0)
    async with contextlib.AsyncExitStack() as sockets, httpx.AsyncClient(limits=no_keepalive) as http:
        members = [await sockets.enter_async_context(socket(process, room)) for _ in range(2)]
        process.signal(signal.SIGTERM)
        await until_draining(process)
        assert (await http.get(f"{process.url}/readyz")).json() == {"status": "draining"}
        assert (await http.get(f"{process.url}/livez")).status_code == 200
        assert 'drain_state{drain_state="announced"} 1.0' in (await http.get(f"{process.url}/metrics")).text
        members.append(await sockets.enter_async_context(socket(process, room)))
        closing = [asyncio.create_task(until_closed(member)) for member in members]
        await asyncio.wait(closing, return_when=asyncio.FIRST_COMPLETED)
        assert process.is_running
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*process.url.removeprefix("http://").split(":"))
        assert {code for _, code in await asyncio.gather(*closing)} == {SERVICE_RESTART}
    assert await exit_code(process) == 0


async def test_few_members_are_spread_over_the_whole_time_too(stack, room, restart_with):
    process = restart_with(DRAIN_SECONDS="2")

    async def closed_at(member: ClientConnection) -> float:
        _, code = await until_closed(member)
        assert code == SERVICE_RESTART
        return time.monotonic()

    async with contextlib.AsyncExitStack() as sockets:
        members = [await sockets.enter_async_context(socket(process, room)) for _ in range(4)]
        closing = [asyncio.create_task(closed_at(member)) for member in members]
        process.signal(signal.SIGTERM)
        times = await asyncio.gather(*closing)
    assert max(times) - min(times) > 1
    assert await exit_code(process) == 0


async def test_a_second_sigterm_cuts_short_and_still_says_1012(stack, room, restart_with):
    process = restart_with(DRAIN_DELAY="300", DRAIN_SECONDS="3600")
    async with contextlib.AsyncExitStack() as sockets:
        members = [await sockets.enter_async_context(socket(process, room)) for _ in range(20)]
        process.signal(signal.SIGTERM)
        await until_draining(process)
        process.signal(signal.SIGTERM)
        assert {(await until_closed(member))[1] for member in members} == {SERVICE_RESTART}
        assert await exit_code(process) == 0


async def test_who_never_answers_is_counted_out_and_does_not_keep_the_process(stack, enter, room, restart_with):
    process = restart_with()
    async with enter("observer", "ws-2") as observer:
        host, _, port = process.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, port)
        key = "MDEyMzQ1Njc4OWFiY2RlZg=="
        writer.write(
            f"GET /ws/feed/{room}/ HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {process.url}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        assert b" 101 " in await reader.readline()
        await observer.wait_for(lambda: observer.presence == 2)
        process.signal(signal.SIGTERM)
        # The close frame: 1012 is 0x03f4.
        await reader.readuntil(b"\x88\x02\x03\xf4")
        assert await exit_code(process) == 0
        await observer.wait_for(lambda: observer.presence == 1)
        writer.close()


async def test_a_message_in_flight_is_acknowledged_before_the_close(stack, enter, room, restart_with, journal_locked):
    process = restart_with(DRAIN_SECONDS="0")
    async with socket(process, room) as alice:
        async with journal_locked():
            await alice.send(json.dumps({"type": "entry", "id": "in-flight", "text": "hello"}))
            # Answered after the message was taken: one thread does both.
            await alice.send(json.dumps({"type": "nothing"}))
            while json.loads(await alice.recv())["type"] != "error":
                pass
            process.signal(signal.SIGTERM)
            await until_draining(process)
        frames, code = await until_closed(alice)
    assert code == SERVICE_RESTART
    assert {"type": "ack", "id": "in-flight", "seq": 1} in frames
    assert await exit_code(process) == 0
    async with enter("reader", "ws-2") as reader:
        await reader.wait_for_delivery("in-flight")


async def test_a_database_that_does_not_answer_keeps_nobody(stack, enter, room, restart_with, journal_locked):
    process = restart_with(DRAIN_SECONDS="0")
    async with socket(process, room) as alice, journal_locked():
        await alice.send(json.dumps({"type": "entry", "id": "alice-0", "text": "hello"}))
        await alice.send(json.dumps({"type": "nothing"}))
        while json.loads(await alice.recv())["type"] != "error":
            pass
        process.signal(signal.SIGTERM)
        _, code = await until_closed(alice)
        assert code == SERVICE_RESTART
        assert await exit_code(process) == 0
    async with enter("alice", "ws-2") as alice:
        assert await alice.say("hello") == "alice-0"
        await alice.wait_for(lambda: not alice.unacknowledged and alice.deliveries)
        await alice.say("next")
        await alice.wait_for(lambda: not alice.unacknowledged)
        assert alice.acknowledged == {"alice-0": 1, "alice-1": 2}


async def test_who_still_reads_what_it_missed_is_told_1012_too(stack, enter, room, restart_with):
    async with enter("writer", "ws-2") as writer:
        # More than the buffers of both ends hold.
        for number in range(2500):
            await writer.say(f"{number} {'x' * 3900}")
        await writer.wait_for(lambda: not writer.unacknowledged, 60)
    process = restart_with()
    async with socket(process, room, "?after=0", max_queue=1) as reader:
        process.signal(signal.SIGTERM)
        await until_draining(process)
        frames, code = await until_closed(reader)
    assert code == SERVICE_RESTART
    numbers = [frame["seq"] for frame in frames if frame["type"] == "entry"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) < 2500, "it had read everything: the test tests nothing"
    assert await exit_code(process) == 0


async def test_old_sockets_are_asked_to_come_anew_and_miss_nothing(enter, restart_with):
    restart_with(MAX_CONNECTION_AGE="1", PING_INTERVAL="1")
    async with enter("alice", "ws-1") as alice, enter("bob", "ws-2") as bob:
        while len(alice.welcomes) < 3:
            await bob.say("on and on")
            await bob.wait_for(lambda: not bob.unacknowledged)
        last = await bob.say("last")
        await alice.wait_for_delivery(last)
        # Others may have a message before its writer has the acknowledgement.
        await bob.wait_for(lambda: not bob.unacknowledged and bob.seq == alice.seq)
        assert set(alice.close_codes) == {SERVICE_RESTART}
        assert not bob.close_codes
        assert count(alice, bob).is_clean


async def test_gunicorn_answers_what_was_asked_before_sigterm(stack, room, journal_locked):
    web = stack.process("web")
    async with httpx.AsyncClient(base_url=stack.url, timeout=60) as user:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', (await user.get("/accounts/signup/")).text)
        assert token
        form = {"username": room, "password1": "correct horse battery", "password2": "correct horse battery"}
        await user.post("/accounts/signup/", data={"csrfmiddlewaretoken": token[1], **form})
        headers = {"X-CSRFToken": user.cookies["csrftoken"]}
        async with journal_locked():
            asked = asyncio.create_task(user.post(f"/api/feeds/{room}/posts", json={"text": "slow"}, headers=headers))
            await asyncio.to_thread(_wait_for_request_in_progress, web)
            web.signal(signal.SIGTERM)
            await asyncio.to_thread(_wait_until_refused, web)
            assert not asked.done()
        assert (await asked).status_code == 201
    assert await exit_code(web) == 0
    await start(web)


def _wait_for_request_in_progress(web: Process) -> None:
    deadline = time.monotonic() + 10
    while "http_requests_in_progress 1.0" not in httpx.get(f"{web.url}/metrics").text:
        assert time.monotonic() < deadline


def _wait_until_refused(web: Process) -> None:
    deadline = time.monotonic() + 10
    with contextlib.suppress(httpx.TransportError):
        while True:
            httpx.get(f"{web.url}/livez")
            assert time.monotonic() < deadline
