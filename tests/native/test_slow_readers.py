"""Clients that read slowly or send slowly, as many as the limits allow: they delay no other client."""

import asyncio
import os
import random
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local import Stack, ports
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.slow_reader import SlowReader, files_in

READERS = 100
LIMIT = 110


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"MAX_REQUESTS_PER_ADDRESS": str(LIMIT), "MAX_READS_PER_ADDRESS": "0"}
    environment |= {"WEB_WORKERS": "1", "WEB_THREADS": "2"}
    with FeedStack(tmp_path_factory.mktemp("readers"), ws_processes=1, environment=environment) as stack:
        yield stack


def expect_unhindered(stack: Stack) -> None:
    """Everybody else is served, more often than web has threads."""
    with httpx.Client(base_url=stack.url, timeout=20) as other:
        for _ in range(3):
            assert other.get("/feed/lobby/").status_code == 200
        # 401 is web's answer to a guest who posts; a full disk would be nginx's 500.
        assert other.post("/api/feeds/lobby/posts", content=b"x" * 60_000).status_code == 401


def test_slow_readers_of_static_files_share_one_copy(stack: Stack) -> None:
    large = max((stack.directory / "static").rglob("*.js"), key=lambda file: file.stat().st_size)
    path = "/static/" + str(large.relative_to(stack.directory / "static"))
    asked = web_requests(stack)
    readers = [SlowReader(stack, f"{path}?{random.random()}", f"Accept-Encoding: {n}") for n in range(READERS)]
    assert {reader.received.split()[1] for reader in readers} == {b"200"}
    expect_unhindered(stack)
    assert readers[0].read_on() == readers[1].read_on() == large.read_bytes()
    # One copy serves all, whatever query and header they make up.
    assert web_requests(stack) - asked == 1
    assert len(files_in(stack.directory / "nginx" / "static")) <= 2
    for reader in readers:
        reader.close()


def test_requests_in_progress_of_one_address_are_limited(stack: Stack) -> None:
    lines = ["POST /api/feeds/lobby/posts HTTP/1.1", f"Host: {ports.HOST}:{stack.port}", "Content-Length: 60000"]
    head = "\r\n".join([*lines, "Expect: 100-continue", "", ""])
    writers = [socket.create_connection((ports.HOST, stack.port), 20) for _ in range(LIMIT)]
    for writer in writers:
        writer.sendall(head.encode())
        # That it asks for the body tells that it has counted the request.
        assert writer.recv(64).startswith(b"HTTP/1.1 100 ")
    assert httpx.get(f"{stack.url}/feed/").status_code == 429
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as other:
        assert other.get(f"{stack.url}/feed/").status_code == 200
    # Files are counted apart: a browser asks for a dozen at once.
    assert httpx.get(f"{stack.url}/static/nowhere.js").status_code == 404
    assert files_in(stack.directory / "nginx" / "client_body") == []
    for writer in writers:
        writer.close()


def web_requests(stack: Stack) -> float:
    """Return how many static files web has served."""
    lines = httpx.get(f"{stack.process('web').url}/metrics").text.splitlines()
    return sum(
        float(line.split()[-1])
        for line in lines
        if line.startswith("http_requests_total{") and 'route="static"' in line and 'status="200"' in line
    )


async def test_reads_in_progress_of_one_address_are_limited(tmp_path: Path) -> None:
    """Other clients wait for no more responses to one address than MAX_READS_PER_ADDRESS."""
    environment = {**NO_LIMITS, "MAX_READS_PER_ADDRESS": "3"}
    with FeedStack(tmp_path, ws_processes=1, environment=environment) as stack:
        # web takes no request until it goes on, so all are in progress at the same time.
        stack.process("web").signal(signal.SIGSTOP)
        workers = [int(pid) for pid in children_of(stack.process("web").pid)]
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        try:
            async with httpx.AsyncClient(base_url=stack.url, timeout=20) as client:
                address = "/api/feeds/lobby/posts"
                reads = [asyncio.create_task(client.get(address)) for _ in range(10)]
                # Of those over the limit each has its answer, the others wait.
                done: set[asyncio.Task[httpx.Response]] = set()
                async with asyncio.timeout(20):
                    while len(done) < 7:
                        await asyncio.wait(set(reads) - done, return_when=asyncio.FIRST_COMPLETED)
                        done = {read for read in reads if read.done()}
                assert {read.result().status_code for read in done} == {429}
                assert {read.result().json()["error"]["code"] for read in done} == {"too_many_requests"}
                # Pages, and who posts, are not among them.
                page = asyncio.create_task(client.get("/feed/lobby/"))
                post = asyncio.create_task(client.post(address, content=b"{}"))
                for pid in workers:
                    os.kill(pid, signal.SIGCONT)
                stack.process("web").signal(signal.SIGCONT)
                assert {answer.status_code for answer in await asyncio.gather(*(set(reads) - done))} == {200}
                assert ((await page).status_code, (await post).status_code) == (200, 401)
        finally:
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
            stack.process("web").signal(signal.SIGCONT)


def children_of(pid: int | None) -> list[str]:
    """Return the ids of a process' children."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
