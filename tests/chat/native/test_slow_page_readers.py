"""Readers that take all that the limits allow, slowly: nobody else waits for them, and no disk fills."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local import Stack, ports
from deploy.local.stack import ROOT
from tests.support.limits import NO_LIMITS

READERS = 100
LIMIT = 110
FILL = """
import random
from chat.journal import journal, message_draft
emoji = [chr(code) for code in range(0x1F300, 0x1F5FF)]
drafts = [
    message_draft("emoji", str(number), "alice", "".join(random.Random(number).choices(emoji, k=4000)))
    for number in range(200)
]
journal.append(drafts)
"""
PAGE = "/api/rooms/emoji/messages?limit=200"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"MAX_REQUESTS_PER_ADDRESS": str(LIMIT), "MAX_READS_PER_ADDRESS": "0"}
    environment |= {"WEB_WORKERS": "1", "WEB_THREADS": "2"}
    with Stack(tmp_path_factory.mktemp("readers"), ws_processes=1, environment=environment) as stack:
        # As anybody may fill it, but in one go.
        fill = [sys.executable, str(ROOT / "manage.py"), "shell", "-c", FILL]
        subprocess.run(fill, env=stack.environment, check=True, capture_output=True)
        yield stack


class SlowReader:
    """Asks, and reads the first bytes of the answer, with the smallest receive buffer that there is."""

    def __init__(self, stack: Stack, path: str, *headers: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self._socket.settimeout(20)
        self._socket.connect((ports.HOST, stack.port))
        lines = [f"GET {path} HTTP/1.1", f"Host: {ports.HOST}:{stack.port}", "Connection: close", *headers, "", ""]
        self._socket.sendall("\r\n".join(lines).encode())
        self.received = self._socket.recv(64)

    def read_on(self) -> bytes:
        """Return the body, once all of it has come."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        while piece := self._socket.recv(1 << 20):
            self.received += piece
        return self.received.partition(b"\r\n\r\n")[2]

    def close(self) -> None:
        self._socket.close()


def files_in(folder: Path) -> list[str]:
    return [name for _, _, names in os.walk(folder) for name in names]


def expect_unhindered(stack: Stack) -> None:
    """Everybody else is served, more often than web has threads."""
    with httpx.Client(base_url=stack.url, timeout=20) as other:
        for _ in range(3):
            assert other.get("/chat/emoji/").status_code == 200
        # 401 is web's answer to a guest who posts; a full disk would be nginx's 500.
        assert other.post("/api/rooms/emoji/messages", content=b"x" * 60_000).status_code == 401


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("path", [PAGE, "/chat/emoji/"])
def test_slow_readers_of_the_largest_answers_delay_no_other_request(stack: Stack, path: str, encoding: str) -> None:
    readers = [SlowReader(stack, path, f"Accept-Encoding: {encoding}") for _ in range(READERS)]
    assert {reader.received.split()[1] for reader in readers} == {b"200"}
    expect_unhindered(stack)
    for folder in ("proxy", "client_body"):
        assert files_in(stack.directory / "nginx" / folder) == []
    # And every one gets the whole of it.
    bodies = {reader.read_on() for reader in readers[:3]}
    if encoding == "identity" and path == PAGE:
        (content,) = {json.dumps(json.loads(body)) for body in bodies}
        assert json.loads(content)["more"]
    for reader in readers:
        reader.close()


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
    lines = [f"POST {PAGE} HTTP/1.1", f"Host: {ports.HOST}:{stack.port}", "Content-Length: 60000"]
    head = "\r\n".join([*lines, "Expect: 100-continue", "", ""])
    writers = [socket.create_connection((ports.HOST, stack.port), 20) for _ in range(LIMIT)]
    for writer in writers:
        writer.sendall(head.encode())
        # That it asks for the body tells that it has counted the request.
        assert writer.recv(64).startswith(b"HTTP/1.1 100 ")
    assert httpx.get(f"{stack.url}/chat/").status_code == 429
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as other:
        assert other.get(f"{stack.url}/chat/").status_code == 200
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


async def test_one_address_has_its_share_of_what_web_reads_at_a_time(tmp_path: Path) -> None:
    """Everybody else waits for no more pages of messages of an address than it may ask for at once."""
    environment = {**NO_LIMITS, "MAX_READS_PER_ADDRESS": "3"}
    with Stack(tmp_path, ws_processes=1, environment=environment) as stack:
        # web takes no request until it goes on, so all are in progress at the same time.
        stack.process("web").signal(signal.SIGSTOP)
        workers = [int(pid) for pid in children_of(stack.process("web").pid)]
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        try:
            async with httpx.AsyncClient(base_url=stack.url, timeout=20) as client:
                address = "/api/rooms/emoji/messages"
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
                page = asyncio.create_task(client.get("/chat/emoji/"))
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
