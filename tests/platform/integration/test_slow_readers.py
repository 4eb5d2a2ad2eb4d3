"""Clients that resume a long stream and read it slowly, or never."""

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

from tests.support.client import FEED
from tests.support.feed_stack import FeedStack
from tests.support.growth import MOST_KIB, Growth
from tests.support.limits import NO_LIMITS
from tests.support.raw_sockets import handshake, read_until

RESUMING = 20
SECONDS = 30
# The first byte of a whole text message.
TEXT = 0x81
LONG = "\N{GRINNING FACE}" * 4000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedStack]:
    with FeedStack(tmp_path_factory.mktemp("readers"), ws_processes=1, environment=NO_LIMITS) as stack:
        yield stack


async def fill(stack: FeedStack, feed: str, count: int) -> None:
    """Store long posts, of 16,000 bytes each."""
    url = stack.process("ws-1").url
    options: Any = {"origin": url, "max_size": None}
    async with connect(f"{url.replace('http', 'ws', 1)}{FEED.path}{feed}/", **options) as alice:
        for number in range(count):
            await alice.send(json.dumps({"type": "entry", "id": f"{number}", "text": LONG}, ensure_ascii=False))
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
def resuming(url: str, feed: str) -> Iterator[socket.socket]:
    """A member that resumes from the beginning, with little room for what it has not read."""
    address = urlsplit(url)
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(SECONDS)
        line.connect((address.hostname, address.port))
        line.sendall(handshake(url, feed, query="?after=0"))
        yield line


async def test_members_that_resume_and_do_not_read_cost_little_memory(stack):
    feed = f"long-{os.urandom(4).hex()}"
    await fill(stack, feed, 200)
    url = stack.process("ws-1").url
    growth = Growth(stack)
    with contextlib.ExitStack() as lines:
        for _ in range(RESUMING):
            line = lines.enter_context(resuming(url, feed))
            received = read_until(line, b'"type":"entry"')
            growth.look()
        # Each page is 128 KiB, of which the kernel holds some.
        assert growth.kib < MOST_KIB
        # The last one reads on, and was neither forgotten nor closed.
        frames = frames_of(line, received.partition(b"\r\n\r\n")[2])
        numbers = (frame["seq"] for frame in frames if frame["type"] == "entry")
        assert list(itertools.islice(numbers, 200)) == list(range(1, 201))


async def wait_for_presence(member: ClientConnection, count: int) -> None:
    """Return when the member is told that so many are in the feed."""
    async with asyncio.timeout(SECONDS):
        while True:
            frame = json.loads(await member.recv())
            if frame["type"] == "presence" and frame["count"] == count:
                return


async def test_member_that_left_during_a_replay_is_not_present_for_the_one_that_catches_up(stack):
    feed = f"long-{os.urandom(4).hex()}"
    await fill(stack, feed, 100)
    url = stack.process("ws-1").url
    target, options = f"{url.replace('http', 'ws', 1)}{FEED.path}{feed}/", {"origin": url}
    async with connect(target, **options) as alice:  # type: ignore[arg-type]
        bob = await connect(target, **options)  # type: ignore[arg-type]
        await wait_for_presence(alice, 2)
        with resuming(url, feed) as late:
            received = read_until(late, b'"type":"entry"')
            await wait_for_presence(alice, 3)
            await bob.close()
            await wait_for_presence(alice, 2)
            frames = frames_of(late, received.partition(b"\r\n\r\n")[2])
            counts = (frame["count"] for frame in frames if frame["type"] == "presence")
            # Nothing else changes: it is told once it is live.
            assert await asyncio.to_thread(lambda: list(itertools.islice(counts, 2))) == [3, 2]
