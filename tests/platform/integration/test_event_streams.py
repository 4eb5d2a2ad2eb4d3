"""HTTP consumers in ws: event streams and long polls, through nginx and at the processes."""

import asyncio
import contextlib
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect

from deploy.local import Process, Stack
from tests.platform.integration.stream_server import CHUNK, STALL_SECONDS
from tests.support.client import Client
from tests.support.event_source import EventSource
from tests.support.feed_stack import FeedStack
from tests.support.processes import memory_kib
from tests.support.raw_sockets import metric

ALLOWED = "https://app.example.net"
ENVIRONMENT = {
    "ALLOWED_ORIGINS": ALLOWED,
    "PING_INTERVAL": "2",
    "DRAIN_SECONDS": "1",
    "LOG_FORMAT": "json",
    "TRUSTED_PROXIES": "",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = FeedStack(tmp_path_factory.mktemp("streams"), ENVIRONMENT, ws_processes=2)
    for name in ("ws-1", "ws-2"):
        ws = stack.process(name)
        ws.command = [sys.executable, "-m", "tests.platform.integration.stream_server"]
        ws.environment = {**ws.environment, "PYTHONPATH": f"{stack.environment['PYTHONPATH']}:{Path.cwd()}"}
    with stack:
        yield stack


@pytest.fixture
def ws(stack: Stack) -> Iterator[Process]:
    """The first process, which is started again if the test ends it."""
    process = stack.process("ws-1")
    yield process
    if not process.is_running:
        process.start()
        process.wait_ready()


async def post(client: Client, *texts: str) -> None:
    for text in texts:
        await client.wait_for_delivery(await client.say(text))


def entries(source: EventSource) -> list[dict[str, Any]]:
    frames = [json.loads(event.data) for event in source.events]
    return [frame for frame in frames if frame["type"] == "entry"]


async def until_metric(process: Process, name: str, value: float) -> None:
    async with asyncio.timeout(20):
        while metric(process.url, name) != value:  # noqa: ASYNC110  # of another process
            await asyncio.sleep(0.05)


# --- A stream of the journal


async def test_an_event_source_resumes_across_restarts_and_gets_each_entry_once_and_in_order(stack: Stack) -> None:
    async with Client(stack.url, "news", "alice") as alice, EventSource(f"{stack.url}/sse/feed/news/") as source:
        await source.wait(lambda: source.events)
        for name in ("ws-1", "ws-2"):
            restart = asyncio.create_task(asyncio.to_thread(stack.restart, name))
            while not restart.done():
                await post(alice, "text")
            await restart
        await post(alice, "last")
        await source.wait(lambda: entries(source) and entries(source)[-1]["text"] == "last")
        # At least once, from the process on which it was.
        assert source.opened > 1
        # Each response was ended, not cut, and another process took the next request.
        assert (source.cut, source.failed, source.status) == (0, 0, None)
    found = [entry["seq"] for entry in entries(source)]
    assert found == list(range(1, len(found) + 1))
    welcome = json.loads(source.events[0].data)
    assert (welcome["type"], welcome["head"], welcome["resumed_from"]) == ("welcome", 0, None)
    assert source.last_event_id == f"{found[-1]}-{welcome['epoch']}"


async def test_a_stream_that_cannot_resume_is_told_reset(stack: Stack) -> None:
    async with Client(stack.url, "resets", "alice") as alice:
        await post(alice, "one", "two")
    async with EventSource(f"{stack.url}/sse/feed/resets/?after=1") as source:
        await source.wait(lambda: len(source.events) == 2)
    assert [(each["seq"], each["text"]) for each in entries(source)] == [(2, "two")]
    for last in ("9-", "1-anotherepoch"):
        async with EventSource(f"{stack.url}/sse/feed/resets/", last_event_id=last) as source:
            await source.wait(lambda: len(source.events) == 2)
        assert json.loads(source.events[1].data) == {"type": "reset", "head": 2}


async def test_an_invalid_number_or_method_is_refused(stack: Stack) -> None:
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False) as client:
        assert (await client.get("/sse/feed/news/?after=x")).status_code == 400
        response = await client.post("/sse/feed/news/", headers={"Origin": stack.url})
        assert (response.status_code, response.headers["Allow"]) == (405, "GET")
        assert (await client.get("/sse/nowhere/")).status_code == 404


# --- The end


async def test_streams_of_a_process_that_stops_are_ended_evenly_and_completely(stack: Stack, ws: Process) -> None:
    url = f"{ws.url}/sse/ticks/"
    async with contextlib.AsyncExitStack() as exits:
        sources = [await exits.enter_async_context(EventSource(url, reconnects=False)) for _ in range(20)]
        for source in sources:
            await source.wait(lambda source=source: source.events)
        assert metric(ws.url, "http_streams") == 20
        assert metric(ws.url, "websocket_connections") == 0
        began = time.monotonic()
        assert await asyncio.to_thread(ws.stop, 30) == 0
        for source in sources:
            await source.wait(lambda source=source: source.ended_at)
        ended = sorted(source.ended_at[0] - began for source in sources)
    assert not any(source.cut for source in sources)
    # Over DRAIN_SECONDS: neither all at once, nor late.
    assert ended[-1] - ended[0] > 0.5
    assert ended[-1] < 6


async def test_a_response_that_has_not_begun_is_asked_of_another_process(stack: Stack, ws: Process) -> None:
    other = stack.process("ws-2")
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        waiting = [asyncio.create_task(client.get(f"{stack.url}/sse/poll/?6")) for _ in range(4)]
        direct = asyncio.create_task(client.get(f"{ws.url}/sse/poll/?60"))
        short = asyncio.create_task(client.get(f"{ws.url}/sse/poll/?2"))
        async with asyncio.timeout(10):
            while metric(ws.url, "http_streams") + metric(other.url, "http_streams") < 6:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert await asyncio.to_thread(ws.stop, 30) == 0
        for response in await asyncio.gather(*waiting):
            assert (response.status_code, response.text) == (200, "polled")
        # What can be finished in time is.
        assert (await short).text == "polled"
        assert ((await direct).status_code, (await direct).headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("path", ["ticks", "group", "flood", "feed/left"])
async def test_a_client_that_leaves_ends_the_consumer(ws: Process, path: str) -> None:
    def left() -> int:
        return int(httpx.get(f"{ws.url}/sse/left/", trust_env=False).text)

    before, closes = left(), metric(ws.url, 'http_stream_closes_total{by="client"}')
    async with EventSource(f"{ws.url}/sse/{path}/", reconnects=False) as source:
        await source.wait(lambda: source.events)
        assert metric(ws.url, "http_streams") == 1
    await until_metric(ws, "http_streams", 0)
    if path == "feed/left":
        await until_metric(ws, "hub_members", 0)
    else:
        async with asyncio.timeout(10):
            while await asyncio.to_thread(left) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert metric(ws.url, 'http_stream_closes_total{by="client"}') == closes + 1
    log = ws.log.read_text()
    assert "took too long to shut down" not in log
    assert "Traceback" not in log


async def test_a_client_that_does_not_read_costs_bounded_memory_and_is_cut_off(ws: Process) -> None:
    slow = 'http_stream_closes_total{by="slow"}'
    before, closes = memory_kib([ws.pid or 0]), metric(ws.url, slow)
    address = urlsplit(ws.url)
    lines = [socket.create_connection((address.hostname, address.port)) for _ in range(20)]  # type: ignore[arg-type]
    for line in lines:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.sendall(b"GET /sse/flood/ HTTP/1.1\r\nHost: %b\r\n\r\n" % address.netloc.encode())
    await asyncio.sleep(STALL_SECONDS / 2)
    grown = memory_kib([ws.pid or 0]) - before
    # Another is served meanwhile.
    async with EventSource(f"{ws.url}/sse/flood/", reconnects=False) as source:
        await source.wait(lambda: len(source.events) > 20)
    await until_metric(ws, slow, closes + len(lines))
    for line in lines:
        line.close()
    # What a turn of the event loop has given to each; a flood without backpressure is hundreds of MiB by then.
    assert grown < len(lines) * 10 * len(CHUNK) / 1024


@pytest.mark.parametrize(("query", "status"), [("", 500), ("half", None)])
async def test_an_incomplete_response_does_not_pass_for_a_complete_one(
    ws: Process, query: str, status: int | None
) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        if status:
            assert (await client.get(f"{ws.url}/sse/incomplete/?{query}")).status_code == status
        else:
            with pytest.raises(httpx.TransportError):
                await client.get(f"{ws.url}/sse/incomplete/?{query}")
    await until_metric(ws, "http_streams", 0)
    assert "returned without a complete response to /sse/incomplete/" in ws.log.read_text()


# --- What else holds for sockets


async def test_a_silent_stream_gets_comments(stack: Stack) -> None:
    async with EventSource(f"{stack.url}/sse/ticks/") as source:
        await source.wait(lambda: source.comments >= 2)
    assert [event.data for event in source.events] == ["0"]


async def test_a_revoked_stream_ends_and_comes_again(ws: Process) -> None:
    async with EventSource(f"{ws.url}/sse/ticks/", retry_seconds=0) as source:
        await source.wait(lambda: source.events)
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"{ws.url}/sse/revoke/")).status_code == 200
        await source.wait(lambda: source.opened == 2)
        assert source.cut == 0
    assert metric(ws.url, 'http_stream_closes_total{by="revoked"}') >= 1


async def said(url: str, source: EventSource, text: str) -> None:
    """Publish until it is received; what is published while Redis is away is lost."""
    async with asyncio.timeout(30), httpx.AsyncClient(trust_env=False, timeout=10) as client:
        while text not in {event.data for event in source.events}:
            with contextlib.suppress(httpx.HTTPError):
                await client.get(f"{url}/sse/say/?{text}")
            with contextlib.suppress(TimeoutError):
                await source.wait(lambda: text in {event.data for event in source.events}, 0.5)


async def test_a_group_reaches_a_stream_again_after_redis_was_away(stack: Stack, ws: Process) -> None:
    redis = stack.process("redis")
    async with EventSource(f"{ws.url}/sse/group/") as source:
        await said(stack.process("ws-2").url, source, "before")
        redis.kill()
        redis.start()
        await asyncio.to_thread(redis.wait_ready)
        await said(stack.process("ws-2").url, source, "after")
        assert source.opened == 1


FOREIGN = "https://evil.example"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "own"}, 200),
        ({"Origin": ALLOWED, "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Origin": FOREIGN}, 403),
        ({"Origin": "null"}, 403),
        ({"Authorization": "Bearer nonsense"}, 401),
    ],
)
async def test_only_pages_of_allowed_origins_read(stack: Stack, headers: dict[str, str], status: int) -> None:
    headers = {name: value.replace("own", stack.url) for name, value in headers.items()}
    async with EventSource(f"{stack.url}/sse/feed/news/", headers=headers) as source:
        await source.wait(lambda: source.opened or source.status)
    assert (source.status or 200) == status


async def test_a_page_of_an_allowed_origin_may_read_and_ask_what_it_may_send(stack: Stack) -> None:
    url = f"{stack.url}/sse/left/"
    preflight = {
        "Origin": ALLOWED,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(url, headers={"Origin": ALLOWED})
        assert response.headers["Access-Control-Allow-Origin"] == ALLOWED
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert "Origin" in response.headers["Vary"]
        assert "Access-Control-Allow-Origin" not in (await client.get(url)).headers
        response = await client.options(url, headers=preflight)
        assert (response.status_code, response.headers["Access-Control-Allow-Headers"]) == (204, "authorization")
        assert (await client.options(url, headers={**preflight, "Origin": FOREIGN})).status_code == 403
        assert (await client.post(url)).status_code == 403


async def test_requests_are_counted_by_result(ws: Process) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for path, headers, result in (
            ("left", {}, "accepted"),
            ("left", {"Origin": FOREIGN}, "origin"),
            ("nowhere", {}, "not_found"),
            ("feed/news", {"Authorization": "Bearer nonsense"}, "auth"),
        ):
            name = f'http_stream_requests_total{{result="{result}"}}'
            before = metric(ws.url, name)
            await client.get(f"{ws.url}/sse/{path}/", headers=headers)
            assert metric(ws.url, name) == before + 1


@pytest.fixture
async def full(stack: Stack, ws: Process) -> AsyncIterator[Process]:
    settings = ws.environment
    ws.stop()
    ws.environment = {**settings, "MAX_SOCKETS": "1"}
    ws.start()
    ws.wait_ready()
    yield ws
    ws.stop()
    ws.environment = settings


async def test_a_stream_counts_as_a_socket(full: Process) -> None:
    async with EventSource(f"{full.url}/sse/ticks/") as source:
        await source.wait(lambda: source.events)
        async with EventSource(f"{full.url}/sse/ticks/") as second:
            await second.wait(lambda: second.status)
            assert second.status == 503
        async with connect(f"{full.url.replace('http', 'ws', 1)}/ws/feed/news/", origin=full.url) as member:  # type: ignore[arg-type]
            await member.wait_closed()
            assert member.close_code == 1013
    await until_metric(full, "http_streams", 0)
    async with EventSource(f"{full.url}/sse/ticks/") as source:
        await source.wait(lambda: source.events)
