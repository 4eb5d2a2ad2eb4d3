"""One ws process, spoken to without nginx and mostly without a WebSocket library."""

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
from websockets.exceptions import ConnectionClosed

from deploy.local import Stack
from tests.support.limits import NO_LIMITS
from tests.support.raw_sockets import (
    TIMEOUT,
    fill,
    handshake,
    line_with_little_room,
    masked,
    metric,
    read_until,
    resume,
    say,
    say_id,
)

ENVIRONMENT = {
    **NO_LIMITS,
    "PING_INTERVAL": "2",
    "PING_TIMEOUT": "4",
    "MEMBER_BUFFER_KIB": "64",
    "MESSAGE_MAX_CHARS": "16000",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("sockets"), ws_processes=1, environment=ENVIRONMENT) as stack:
        yield stack


@pytest.fixture
def url(stack: Stack) -> str:
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


def test_a_handshake_may_come_in_pieces(url, line, room):
    request = handshake(url, room)
    for begin in range(0, len(request), 40):
        line.sendall(request[begin : begin + 40])
    assert read_until(line, b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")


def test_what_comes_right_behind_the_handshake_is_taken(url, line, room):
    line.sendall(handshake(url, room) + say("at once"))
    assert b'{"message":"at once"}' in read_until(line, b'at once"}')


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
def test_a_handshake_that_is_no_http_is_refused(url, line, room, header, answer):
    line.sendall(handshake(url, room, header))
    assert read_until(line, b"\r\n\r\n").startswith(answer)


@pytest.mark.parametrize("offered", ["chat%2Ev1", "a%2Cb"])
def test_a_subprotocol_stands_as_it_was_offered(stack, url, line, room, offered):
    line.sendall(handshake(url, room, f"Sec-WebSocket-Protocol: {offered}"))
    # Not known, so it is the tutorial's protocol.
    assert read_until(line, b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
    assert "Traceback" not in stack.process("ws-1").log.read_text()


def test_plain_http_is_answered_on_the_same_port(url):
    with httpx.Client(base_url=url) as client:
        # One connection for all of them.
        assert [client.get(path).status_code for path in ("/livez", "/readyz", "/metrics", "/chat/")] == [
            200,
            200,
            200,
            404,
        ]


def test_who_says_nothing_leaves_nothing_behind(stack, url):
    address = urlsplit(url)
    for _ in range(20):
        socket.create_connection((address.hostname, address.port)).close()
    assert httpx.get(f"{url}/livez").status_code == 200
    assert "Traceback" not in stack.process("ws-1").log.read_text()


def test_ten_thousand_frames_at_once_are_answered_in_order(url, line, room):
    line.sendall(handshake(url, room, "Sec-WebSocket-Protocol: chat.v1"))
    read_until(line, b'"type":"welcome"')
    # Wrong ones, since each is answered to the sender alone.
    frames = b"".join(masked(f'{{"type":"message","id":"{number}"}}'.encode()) for number in range(10_000))
    line.sendall(frames + say_id("last"))
    data = read_until(line, b'"type":"ack","id":"last"')
    ids = [int(part.partition(b'"')[0]) for part in data.split(b'missing; expected a string.","id":"')[1:]]
    assert ids == list(range(10_000))


async def test_partially_received_frame_survives_the_end_of_a_replay(url, room):
    await fill(url, room, 30)
    with line_with_little_room(url) as stalled:
        stalled.sendall(resume(url, room))
        received = read_until(stalled, b"\r\n\r\n")
        # The replay waits for its reader now. What comes until it ends: a whole message, the beginning of one in two
        # frames, and half of the second.
        first, begin, end = say_id("whole"), bytearray(say_id("parts")[:40]), say_id("parts")[6 + 34 :]
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


async def test_one_who_does_not_read_is_closed_and_delays_nobody(stack, url, room):
    address = urlsplit(url)
    before = metric(url, "websocket_slow_closed_total")
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect((address.hostname, address.port))
    stalled.settimeout(TIMEOUT)
    stalled.sendall(handshake(url, room))
    target = f"{url.replace('http', 'ws')}/ws/chat/{room}/"
    with stalled:
        async with connect(target, origin=url, max_size=None) as alice:  # type: ignore[arg-type]
            text = "x" * 15_000
            for number in range(100):
                await alice.send(json.dumps({"message": f"{number} {text}"}))
                assert json.loads(await alice.recv())["message"].startswith(f"{number} ")
            assert metric(url, "websocket_slow_closed_total") == before + 1
            received = await asyncio.to_thread(read_until, stalled, b"\x88\x02" + (1013).to_bytes(2, "big"))
            assert 0 < received.count(text.encode()) < 100
            # It does not answer the close either.
            await until(url, "hub_members", 1)


def read_without_pongs(url: str, room: str) -> None:
    """Return when the server has sent a ping, and then ended the connection."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=TIMEOUT) as gone:
        gone.sendall(handshake(url, room))
        read_until(gone, b"\x89\x00")
        with contextlib.suppress(ConnectionResetError):
            while gone.recv(4096):
                pass


async def test_a_silent_client_is_pinged_and_one_that_is_gone_is_dropped(url, room):
    target = f"{url.replace('http', 'ws')}/ws/chat/{room}/"
    async with connect(target, origin=url, ping_interval=None) as here:  # type: ignore[arg-type]
        await asyncio.to_thread(read_without_pongs, url, room)
        await here.send(json.dumps({"message": "still here"}))
        assert json.loads(await here.recv()) == {"message": "still here"}


@pytest.mark.parametrize(
    ("payload", "code"), [(b"\x03\xe9", 1001), (b"\x11\x31", 4401), (b"", 1005)], ids=["1001", "4401", "none"]
)
async def test_the_code_that_a_client_closes_with_is_told(url, line, room, payload, code):
    name = f'websocket_closes_total{{code="{code}"}}'
    before = metric(url, name)
    line.sendall(handshake(url, room) + masked(payload, opcode=8))
    await until(url, name, before + 1)


async def test_an_old_socket_is_asked_to_come_again(tmp_path, room):
    with Stack(tmp_path, ws_processes=1, environment={"PING_INTERVAL": "1", "MAX_CONNECTION_AGE": "2"}) as stack:
        target = f"{stack.url.replace('http', 'ws')}/ws/chat/{room}/"
        async with connect(target, origin=stack.url) as alice:  # type: ignore[arg-type]
            with pytest.raises(ConnectionClosed) as closed:
                async with asyncio.timeout(TIMEOUT):
                    await alice.recv()
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1012


@pytest.fixture
def room() -> str:
    return f"room-{os.urandom(4).hex()}"
