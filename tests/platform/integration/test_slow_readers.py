"""Clients that ask for much and take their time over it, or never read it."""

import asyncio
import contextlib
import itertools
import json
import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import ClientConnection, connect

from deploy.local import Stack
from tests.support.growth import MOST_KIB, Growth
from tests.support.limits import NO_LIMITS
from tests.support.raw_sockets import handshake, masked, read_until

RESUMING = 20
SECONDS = 30
# The first byte of a whole text message.
TEXT = 0x81
LONG = "\N{GRINNING FACE}" * 4000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("readers"), ws_processes=1, environment=NO_LIMITS) as stack:
        yield stack


async def fill(stack: Stack, room: str, count: int) -> None:
    """Put long messages into a room."""
    url = stack.process("ws-1").url
    options: Any = {"origin": url, "subprotocols": ["chat.v1"], "max_size": None}
    async with connect(f"{url.replace('http', 'ws')}/ws/chat/{room}/", **options) as alice:
        for number in range(count):
            await alice.send(json.dumps({"type": "message", "id": f"{number}", "message": LONG}, ensure_ascii=False))
        acknowledged = 0
        async with asyncio.timeout(SECONDS):
            while acknowledged < count:
                acknowledged += json.loads(await alice.recv())["type"] == "ack"


def frames_of(line: socket.socket, data: bytes) -> Iterator[dict[str, Any]]:
    """Read frames of the server, of which ``data`` has come."""
    while True:
        while frame := whole_frame(data):
            if data[0] == TEXT:
                yield json.loads(frame[1])
            data = data[frame[0] :]
        data += (chunk := line.recv(65536))
        assert chunk


def whole_frame(data: bytes) -> tuple[int, bytes] | None:
    """Return the length and the payload of the first frame, if all of it is there."""
    if len(data) < 4:
        return None
    size, begin = data[1], 2
    if size == 126:
        size, begin = int.from_bytes(data[2:4], "big"), 4
    return (begin + size, data[begin : begin + size]) if len(data) >= begin + size else None


@contextlib.contextmanager
def asking(url: str, room: str, query: str) -> Iterator[socket.socket]:
    """A member that has little room for what it has not read."""
    address = urlsplit(url)
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(SECONDS)
        line.connect((address.hostname, address.port))
        request = handshake(url, room, "Sec-WebSocket-Protocol: chat.v1")
        line.sendall(request.replace(b"/ HTTP/1.1", f"/{query} HTTP/1.1".encode()))
        yield line


@pytest.mark.parametrize("ask", ["?after=0", ""], ids=["resume", "history"])
async def test_who_asks_for_much_and_reads_nothing_costs_little(stack, ask):
    room = f"long-{os.urandom(4).hex()}"
    await fill(stack, room, 200)
    url = stack.process("ws-1").url
    growth = Growth(stack)
    asked = masked(json.dumps({"type": "history", "limit": 200}).encode())
    with contextlib.ExitStack() as lines:
        for _ in range(RESUMING):
            line = lines.enter_context(asking(url, room, ask))
            if not ask:
                line.sendall(asked * 3)
            received = read_until(line, b'"type":"message"' if ask else b'"type":"history"')
            growth.look()
        # Each page is 128 KiB, of which the kernel holds some.
        assert growth.kib < MOST_KIB
        if ask:
            # It reads on, and was neither forgotten nor closed.
            frames = frames_of(line, received.partition(b"\r\n\r\n")[2])
            numbers = (frame["seq"] for frame in frames if frame["type"] == "message")
            assert list(itertools.islice(numbers, 200)) == list(range(1, 201))


async def here(member: ClientConnection, count: int) -> None:
    """Return when the member is told that so many are in the room."""
    async with asyncio.timeout(SECONDS):
        while True:
            frame = json.loads(await member.recv())
            if frame["type"] == "presence" and frame["count"] == count:
                return


async def test_who_left_during_a_replay_is_gone_for_the_one_who_catches_up(stack):
    room = f"long-{os.urandom(4).hex()}"
    await fill(stack, room, 100)
    url = stack.process("ws-1").url
    target, options = f"{url.replace('http', 'ws')}/ws/chat/{room}/", {"origin": url, "subprotocols": ["chat.v1"]}
    async with connect(target, **options) as alice:  # type: ignore[arg-type]
        bob = await connect(target, **options)  # type: ignore[arg-type]
        await here(alice, 2)
        with asking(url, room, "?after=0") as late:
            received = read_until(late, b'"type":"message"')
            await here(alice, 3)
            await bob.close()
            await here(alice, 2)
            frames = frames_of(late, received.partition(b"\r\n\r\n")[2])
            told = (frame["count"] for frame in frames if frame["type"] == "presence")
            # Nothing else changes: it is told once it is live.
            assert await asyncio.to_thread(lambda: list(itertools.islice(told, 2))) == [3, 2]
