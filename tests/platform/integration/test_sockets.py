"""Connections to one ws process, without nginx and mostly without a WebSocket library."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.support.client import FEED
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.members import append, closed, next_of
from tests.support.raw_sockets import (
    TIMEOUT,
    connect_with_small_buffer,
    fill,
    handshake,
    masked,
    metric,
    post,
    read_until,
    resume,
)

ENVIRONMENT = {
    **NO_LIMITS,
    "PING_INTERVAL": "2",
    "PING_TIMEOUT": "4",
    "MEMBER_BUFFER_KIB": "64",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedStack]:
    with FeedStack(tmp_path_factory.mktemp("sockets"), ws_processes=1, environment=ENVIRONMENT) as stack:
        yield stack


@pytest.fixture
def url(stack: FeedStack) -> str:
    return stack.process("ws-1").url


@pytest.fixture
def line(url: str) -> Iterator[socket.socket]:
    """A TCP connection to the ws process."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=TIMEOUT) as line:
        yield line


async def until(url: str, name: str, value: float) -> None:
    async with asyncio.timeout(TIMEOUT):
        while await asyncio.to_thread(metric, url, name) != value:  # noqa: ASYNC110  # it is another process
            await asyncio.sleep(0.05)


def test_handshake_in_pieces_is_accepted(url, line, feed):
    request = handshake(url, feed)
    for begin in range(0, len(request), 40):
        line.sendall(request[begin : begin + 40])
    assert read_until(line, b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")


def test_frame_right_behind_the_handshake_is_received(url, line, feed):
    line.sendall(handshake(url, feed) + post("at once"))
    assert b'"text":"at once"}' in read_until(line, b'at once"}')


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ("Bad Name: x", b"HTTP/1.1 400 "),
        ("X-Folded: a\r\n b", b"HTTP/1.1 400 "),
        ("X-Control: a\x0bb", b"HTTP/1.1 400 "),
        (f"X-Long: {'x' * 70_000}", b"HTTP/1.1 431 "),
    ],
    ids=["name", "folded", "control character", "too long"],
)
def test_handshake_that_is_not_http_is_refused(url, line, feed, header, answer):
    line.sendall(handshake(url, feed, header))
    assert read_until(line, b"\r\n\r\n").startswith(answer)


@pytest.mark.parametrize("offered", ["chat%2Ev1", "a%2Cb"])
def test_unknown_subprotocol_is_not_selected(stack, url, line, feed, offered):
    line.sendall(handshake(url, feed, f"Sec-WebSocket-Protocol: {offered}"))
    head = read_until(line, b"\r\n\r\n").partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-protocol" not in head.lower()
    assert "Traceback" not in stack.process("ws-1").log.read_text()


def test_plain_http_is_answered_on_the_port_of_websockets(url):
    with httpx.Client(base_url=url) as client:
        # One connection for all of them.
        assert [client.get(path).status_code for path in ("/livez", "/readyz", "/metrics", "/feed/")] == [
            200,
            200,
            200,
            404,
        ]


def test_connection_closed_before_its_first_byte_is_not_an_error(stack, url):
    address = urlsplit(url)
    for _ in range(20):
        socket.create_connection((address.hostname, address.port)).close()
    assert httpx.get(f"{url}/livez").status_code == 200
    assert "Traceback" not in stack.process("ws-1").log.read_text()


def test_ten_thousand_invalid_frames_at_once_are_answered_in_order(url, line, feed):
    line.sendall(handshake(url, feed))
    read_until(line, b'"type":"welcome"')
    # Invalid ones, since each is answered to the sender alone.
    frames = b"".join(masked(f'{{"type":"entry","id":"{number}"}}'.encode()) for number in range(10_000))
    line.sendall(frames + post("hello", "last"))
    data = read_until(line, b'"type":"ack","id":"last"')
    ids = [int(part.partition(b'"')[0]) for part in data.split(b'This field cannot be blank.","id":"')[1:]]
    assert ids == list(range(10_000))


async def test_partially_received_frame_survives_the_end_of_a_replay(url, feed):
    await fill(url, feed, 30)
    with connect_with_small_buffer(url) as stalled:
        stalled.sendall(resume(url, feed))
        received = read_until(stalled, b"\r\n\r\n")
        # The replay waits for its reader now. What comes until it ends: a whole message, the beginning of one in two
        # frames, and half of the second.
        first, frame = post("hello", "whole"), post("hello", "parts")
        begin, end = bytearray(frame[:40]), frame[6 + 34 :]
        begin[0], begin[1] = 0x01, 0x80 | 34
        rest = masked(end, opcode=0)
        before = metric(url, "websocket_frames_received_total")
        stalled.sendall(first + bytes(begin) + masked(b"?", opcode=9) + rest[:12])
        await until(url, "websocket_frames_received_total", before + 1)
        received += read_until(stalled, b'"type":"ack","id":"whole"')
        assert received.count(b"x" * 15_000) == 30
        for byte in rest[12:]:
            stalled.sendall(bytes([byte]))
        read_until(stalled, b'"type":"ack","id":"parts"')


async def test_member_that_does_not_read_is_closed_and_delays_no_other(stack, url, feed):
    address = urlsplit(url)
    before = metric(url, "websocket_slow_closed_total")
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect((address.hostname, address.port))
    stalled.settimeout(TIMEOUT)
    stalled.sendall(handshake(url, feed))
    target = f"{url.replace('http', 'ws', 1)}{FEED.path}{feed}/"
    with stalled:
        async with connect(target, origin=url, max_size=None) as alice:  # type: ignore[arg-type]
            text = "x" * 15_000
            for number in range(100):
                await alice.send(json.dumps({"type": "entry", "id": f"{number}", "text": f"{number} {text}"}))
                assert (await next_of(alice, "entry"))["text"].startswith(f"{number} ")
            assert metric(url, "websocket_slow_closed_total") == before + 1
            received = await asyncio.to_thread(read_until, stalled, b"\x88\x02" + (1013).to_bytes(2, "big"))
            assert 0 < received.count(text.encode()) < 100
            # It does not answer the close either.
            await until(url, "hub_members", 1)


def read_without_pongs(url: str, feed: str) -> None:
    """Return when the server has sent a ping, and then ended the connection."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=TIMEOUT) as gone:
        gone.sendall(handshake(url, feed))
        read_until(gone, b"\x89\x00")
        with contextlib.suppress(ConnectionResetError):
            while gone.recv(4096):
                pass


async def test_silent_client_is_pinged_and_dropped_without_a_pong(url, feed):
    target = f"{url.replace('http', 'ws', 1)}{FEED.path}{feed}/"
    async with connect(target, origin=url, ping_interval=None) as here:  # type: ignore[arg-type]
        await asyncio.to_thread(read_without_pongs, url, feed)
        assert (await append(here, "still here"))["type"] == "ack"


@pytest.mark.parametrize(
    ("payload", "code"), [(b"\x03\xe9", 1001), (b"\x11\x31", 4401), (b"", 1005)], ids=["1001", "4401", "none"]
)
async def test_close_code_of_the_client_is_counted(url, line, feed, payload, code):
    name = f'websocket_closes_total{{code="{code}"}}'
    before = metric(url, name)
    line.sendall(handshake(url, feed) + masked(payload, opcode=8))
    await until(url, name, before + 1)


async def test_socket_older_than_max_connection_age_is_closed_with_1012(tmp_path, feed):
    with FeedStack(tmp_path, ws_processes=1, environment={"PING_INTERVAL": "1", "MAX_CONNECTION_AGE": "2"}) as stack:
        target = f"{stack.url.replace('http', 'ws', 1)}{FEED.path}{feed}/"
        async with connect(target, origin=stack.url) as alice:  # type: ignore[arg-type]
            assert (await closed(alice))[0] == 1012


@pytest.fixture
def feed() -> str:
    return f"feed-{os.urandom(4).hex()}"
