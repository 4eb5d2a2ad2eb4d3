"""Consumers that send more at once than may wait for a slow client, to clients that read and to one that does not."""

import asyncio
import contextlib
import itertools
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from deploy.local import Process, ports
from deploy.local.process import answers_http
from deploy.local.stack import ROOT
from tests.support.raw_sockets import KEY, masked, metric, read_until

SECONDS = 30
BUFFER_KIB = 64


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server listens whose consumers send what they are told to."""
    directory = tmp_path_factory.mktemp("sending")
    address = f"{ports.HOST}:{ports.pick()}"
    server = Process(
        "sending",
        "ws",
        f"http://{address}",
        [sys.executable, "-m", "tests.platform.integration.sending_server"],
        directory / "sending.log",
        answers_http("/livez"),
        environment={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in ("src", "services", "apps", ".")),
            "DJANGO_SETTINGS_MODULE": "ws.settings",
            "SECRET_KEY": "sending",
            "BIND": address,
            "MEMBER_BUFFER_KIB": str(BUFFER_KIB),
        },
    )
    server.start()
    try:
        server.wait_ready()
        yield server.url
    finally:
        server.stop()


def order(sizes: list[int], is_binary: bool = False) -> str:
    return json.dumps({"sizes": sizes, "binary": is_binary})


@pytest.mark.parametrize(
    ("path", "is_binary"),
    [*itertools.product(["/", "/stock"], [False, True]), ("/sync", False), ("/wrapped", False), ("/stock-sync", False)],
)
@pytest.mark.parametrize("sizes", [[300_000] * 5, [2_000_000], [100] * 5000], ids=["large", "one", "many"])
async def test_a_client_that_reads_gets_all_of_it_and_then_the_close(url, path, is_binary, sizes):
    before = metric(url, "websocket_slow_closed_total")
    received: list[str] = []
    async with asyncio.timeout(SECONDS), connect(f"{url.replace('http', 'ws')}{path}", max_size=None) as client:
        await client.send(order(sizes, is_binary))
        with contextlib.suppress(ConnectionClosed):
            async for data in client:
                received.append(data.decode() if isinstance(data, bytes) else data)
    assert [(text.rstrip("."), len(text)) for text in received] == [(f"{n}", size) for n, size in enumerate(sizes)]
    assert client.close_code == 4000
    assert metric(url, "websocket_slow_closed_total") == before


async def test_a_consumer_that_sends_from_another_event_loop_waits_no_longer_than_the_client(url):
    # With the callbacks of one event loop in another, each send waits for the next timer, such as that of a stall.
    sizes = [300_000] * 40
    async with asyncio.timeout(SECONDS), connect(f"{url.replace('http', 'ws')}/thread", max_size=None) as client:
        await client.send(order(sizes))
        received = [await client.recv() for _ in sizes]
    assert [len(text) for text in received] == sizes


@pytest.mark.parametrize("path", ["/", "/stock"])
async def test_frames_and_bytes_of_every_consumer_are_counted(url, path):
    names = ["frames_sent_total", "sent_bytes_total", "frames_received_total", "received_bytes_total"]
    before = [metric(url, f"websocket_{name}") for name in names]
    text = order([100] * 3)
    async with asyncio.timeout(SECONDS), connect(f"{url.replace('http', 'ws')}{path}") as client:
        await client.send(text)
        with contextlib.suppress(ConnectionClosed):
            while True:
                await client.recv()
    counted = [metric(url, f"websocket_{name}") - count for name, count in zip(names, before, strict=True)]
    # Each text has a header of two bytes.
    assert counted == [3, 3 * 102, 1, len(text)]


@contextlib.contextmanager
def stalling(url: str, path: str, sizes: list[int]) -> Iterator[socket.socket]:
    """A client that gives an order, and reads nothing unless the test does."""
    address = urlsplit(url)
    with socket.socket() as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.settimeout(SECONDS)
        stalled.connect((address.hostname, address.port))
        lines = [f"GET {path} HTTP/1.1", f"Host: {address.netloc}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13", "", ""]
        stalled.sendall("\r\n".join(lines).encode() + masked(order(sizes).encode()))
        yield stalled


@pytest.mark.parametrize("path", ["/", "/stock"])
def test_a_client_that_reads_nothing_is_closed_as_slow(url, path):
    before = metric(url, "websocket_slow_closed_total")
    with stalling(url, path, [300_000] * 5) as stalled:
        while metric(url, "websocket_slow_closed_total") == before:
            pass
        received = read_until(stalled, b"\x88\x02" + (1013).to_bytes(2, "big"))
        assert received.count(b"....") < 5 * 300_000 // 4, "all of it was kept"


@pytest.mark.parametrize(("path", "clients"), [("/sync", 32), ("/wrapped", 32), ("/stock-sync", 1)])
async def test_a_client_that_reads_too_slowly_holds_up_no_other_synchronous_consumer(url, path, clients):
    before = metric(url, "websocket_slow_closed_total")
    stop = asyncio.Event()

    def wait_until_closed() -> None:
        deadline = time.monotonic() + SECONDS
        while metric(url, "websocket_slow_closed_total") < before + clients:
            assert time.monotonic() < deadline

    async def sip(line: socket.socket) -> None:
        # The kernel acknowledges it from time to time, so that the client has not stalled.
        line.setblocking(False)
        while not stop.is_set():
            with contextlib.suppress(BlockingIOError, ConnectionError):
                line.recv(2048)
            await asyncio.sleep(0.05)

    with contextlib.ExitStack() as lines:
        stalled = [lines.enter_context(stalling(url, path, [300_000] * 5)) for _ in range(clients)]
        sipping = [asyncio.create_task(sip(line)) for line in stalled]
        try:
            async with asyncio.timeout(SECONDS), connect(f"{url.replace('http', 'ws')}{path}") as other:
                # Each has kept a thread for a second at most.
                await asyncio.to_thread(wait_until_closed)
                await other.send(order([1]))
                assert await other.recv() == "0"
        finally:
            stop.set()
            await asyncio.gather(*sipping)


async def test_a_synchronous_consumer_that_sends_before_it_accepts_is_told_so(url):
    async with asyncio.timeout(SECONDS), connect(f"{url.replace('http', 'ws')}/hasty") as client:
        assert await client.recv() == "Socket has not been accepted, so cannot send over it"
