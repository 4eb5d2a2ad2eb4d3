"""Clients that ask for pages of history and do not read them."""

import asyncio
import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import connect

from deploy.local import Stack
from tests.support.chat import CHAT
from tests.support.growth import MOST_KIB, Growth
from tests.support.limits import NO_LIMITS
from tests.support.raw_sockets import connect_with_small_buffer, handshake, masked, read_until

READERS = 20
SECONDS = 30
LONG = "\N{GRINNING FACE}" * 4000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("readers"), ws_processes=1, environment=NO_LIMITS) as stack:
        yield stack


async def fill(url: str, room: str, count: int) -> None:
    """Store long messages in the room, of 16,000 bytes each."""
    options: Any = {"origin": url, "subprotocols": [CHAT.subprotocol], "max_size": None}
    async with connect(f"{url.replace('http', 'ws', 1)}{CHAT.path}{room}/", **options) as alice:
        for number in range(count):
            await alice.send(json.dumps({"type": "message", "id": f"{number}", "message": LONG}, ensure_ascii=False))
        acknowledged = 0
        async with asyncio.timeout(SECONDS):
            while acknowledged < count:
                acknowledged += json.loads(await alice.recv())["type"] == "ack"


async def test_pages_of_history_that_are_not_read_cost_little_memory(stack):
    room = f"long-{os.urandom(4).hex()}"
    url = stack.process("ws-1").url
    await fill(url, room, 200)
    growth = Growth(stack)
    asked = masked(json.dumps({"type": "history", "limit": 200}).encode())
    with contextlib.ExitStack() as lines:
        for _ in range(READERS):
            line = lines.enter_context(connect_with_small_buffer(url))
            line.sendall(handshake(url, room, f"Sec-WebSocket-Protocol: {CHAT.subprotocol}", path=CHAT.path))
            line.sendall(asked * 3)
            read_until(line, b'"type":"history"')
            growth.look()
        # Each page is 128 KiB, of which the kernel has a part.
        assert growth.kib < MOST_KIB
