"""The memory that one client can make a ws process keep, with frames of every kind."""

import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.support.feed_stack import FeedStack
from tests.support.growth import MOST_KIB, Growth
from tests.support.limits import NO_LIMITS
from tests.support.raw_sockets import (
    connect_with_small_buffer,
    fill,
    handshake,
    masked,
    metric,
    post,
    read_until,
    resume,
)

SECONDS = 30
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedStack]:
    with FeedStack(tmp_path_factory.mktemp("floods"), ws_processes=1, environment=NO_LIMITS) as stack:
        with opened(stack) as first:  # what is made with the first member is not counted
            first.sendall(post("warm"))
            read_until(first, b'"warm"')
        yield stack


@contextlib.contextmanager
def opened(stack: FeedStack, *headers: str, receive_buffer: int = 0) -> Iterator[socket.socket]:
    """A raw WebSocket to the ws process, after its handshake."""
    url = stack.process("ws-1").url
    with socket.socket() as line:
        if receive_buffer:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        line.settimeout(SECONDS)
        address = urlsplit(url)
        line.connect((address.hostname, address.port))
        line.sendall(handshake(url, f"flood-{os.urandom(4).hex()}", *headers))
        answer = read_until(line, b"\r\n\r\n")
        assert b" 101 " in answer
        assert b"Extensions" not in answer
        yield line


def pour(line: socket.socket, data: bytes, times: int, growth: Growth) -> None:
    """Send data again and again, as long as the server takes it."""
    with contextlib.suppress(OSError):
        for number in range(times):
            line.sendall(data)
            if number % 16 == 0:
                growth.look()
    growth.look()


def close_code(line: socket.socket) -> int:
    """Return the code of the close frame, which may come behind others."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := line.recv(65536):
            data += chunk
    place = data.index(b"\x88")
    return int.from_bytes(data[place + 2 : place + 4], "big")


def fragment(payload: bytes = b"", opcode: int = 0, is_last: bool = False) -> bytes:
    frame = bytearray(masked(payload, opcode))
    if not is_last:
        frame[0] &= 0x7F
    return bytes(frame)


def assert_others_are_served(stack: FeedStack) -> None:
    with opened(stack) as line:
        line.sendall(post("still here"))
        read_until(line, b"still here")


def test_compression_is_not_negotiated_and_a_compressed_frame_is_refused(stack):
    with opened(stack, "Sec-WebSocket-Extensions: permessage-deflate") as line:
        line.sendall(post("plain"))
        read_until(line, b"plain")
        bomb = bytearray(masked(b"\x00" * 1000))
        bomb[0] |= 0x40
        line.sendall(bytes(bomb))
        assert close_code(line) == 1002


def test_frame_of_a_gigabyte_is_refused_at_its_header(stack):
    growth = Growth(stack)
    with opened(stack) as line:
        line.sendall(b"\x81\xff" + (1024 * MIB).to_bytes(8, "big") + bytes(4))
        pour(line, b"x" * MIB, 64, growth)
        assert close_code(line) == 1009
    assert growth.kib < MOST_KIB
    assert_others_are_served(stack)


@pytest.mark.parametrize("payload", [b"", b"x"], ids=["empty", "one byte"])
def test_endless_fragments_are_refused(stack, payload):
    growth = Growth(stack)
    with opened(stack) as line:
        line.sendall(fragment(payload, opcode=1))
        pour(line, fragment(payload) * 1000, 200, growth)
        assert close_code(line) == 1009
    assert growth.kib < MOST_KIB
    assert_others_are_served(stack)


def test_message_in_a_thousand_fragments_is_accepted_up_to_64_kib(stack):
    text = json.dumps({"type": "entry", "id": "large", "text": "x" * 3900}).ljust(64 * 1024).encode()
    assert len(text) == 64 * 1024
    parts = [text[begin : begin + 64] for begin in range(0, len(text), 64)]
    with opened(stack) as line:
        line.sendall(fragment(parts[0], opcode=1) + b"".join(map(fragment, parts[1:-1])))
        line.sendall(fragment(parts[-1], is_last=True))
        read_until(line, b'"text":"' + b"x" * 3900)
        line.sendall(fragment(parts[0], opcode=1) + b"".join(map(fragment, parts[1:])))
        line.sendall(fragment(b"z", is_last=True))
        assert close_code(line) == 1009


def test_message_that_arrives_byte_by_byte_takes_no_more_memory_than_its_bytes(stack):
    growth = Growth(stack)
    with contextlib.ExitStack() as lines:
        for _ in range(20):
            line = lines.enter_context(opened(stack))
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.sendall(b"\x81\xfe\xff\xff" + bytes(4))
            for _ in range(2000):
                line.sendall(b"x")
        growth.look()
    assert growth.kib < MOST_KIB


def test_pongs_do_not_accumulate_for_a_client_that_does_not_read(stack):
    """Nor are the pings kept: their limit is off here."""
    growth = Growth(stack)
    with opened(stack, receive_buffer=4096) as line:
        pour(line, masked(b"p" * 125, opcode=9) * 500, 400, growth)
    # 200,000 of them, 25 MB.
    assert growth.kib < MOST_KIB
    assert_others_are_served(stack)


def test_client_that_pings_without_pause_is_closed(tmp_path):
    environment = {"MAX_REFUSALS": "20", "MESSAGE_BURST": "5"}
    with FeedStack(tmp_path, ws_processes=1, environment=environment) as stack, opened(stack) as line:
        line.sendall(masked(b"?", opcode=9) * 5)
        assert read_until(line, b"\x8a\x01?" * 5)
        line.sendall(masked(b"!", opcode=9) * 5000)
        assert close_code(line) == 1008


async def test_messages_do_not_accumulate_during_a_replay(stack):
    url, feed = stack.process("ws-1").url, f"flood-{os.urandom(4).hex()}"
    await fill(url, feed, 30)
    growth = Growth(stack)
    frames = metric(url, "websocket_frames_received_total")
    with connect_with_small_buffer(url) as line:
        line.sendall(resume(url, feed))
        received = read_until(line, b"\r\n\r\n")
        # Until the server stops reading and the socket buffers are full.
        line.settimeout(2)
        sent, frame = 0, masked(b"y" * 60_000)
        with contextlib.suppress(TimeoutError):
            while sent < 1000 * len(frame):
                sent += line.send(frame[sent % len(frame) :])
                growth.look()
        assert metric(url, "websocket_frames_received_total") - frames < 10
        # The client reads again, and every message is answered.
        line.settimeout(SECONDS)
        threading.Thread(
            target=line.sendall, args=[frame[sent % len(frame) :] + post("hello", "last")], daemon=True
        ).start()
        received += read_until(line, b'"type":"ack","id":"last"')
        assert received.count(b"x" * 15_000) == 30
        assert received.count(b'"type":"error"') == sent // len(frame) + 1
    assert growth.kib < MOST_KIB
    assert_others_are_served(stack)


def test_errors_do_not_accumulate_for_a_client_that_does_not_read(stack):
    growth = Growth(stack)
    with opened(stack, receive_buffer=4096) as line:
        pour(line, masked(b"no json") * 1000, 200, growth)
    assert growth.kib < MOST_KIB
    assert_others_are_served(stack)
