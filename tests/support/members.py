"""Members of a stream, one frame at a time, and the counters of their ws process."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from deploy.local import Stack
from tests.support.client import FEED, Protocol

SECONDS = 20
Frame = dict[str, Any]


@asynccontextmanager
async def joined(
    stack: Stack, stream: str, protocol: Protocol = FEED, cookie: str = "", query: str = ""
) -> AsyncIterator[ClientConnection]:
    headers = {"Cookie": cookie} if cookie else {}
    address = f"{stack.url.replace('http', 'ws', 1)}{protocol.path}{stream}/{query}"
    options: Any = {"origin": stack.url, "max_queue": None, "additional_headers": headers}
    subprotocols = [protocol.subprotocol] if protocol.subprotocol else None
    async with connect(address, subprotocols=subprotocols, **options) as opened:
        yield opened


async def next_of(member: ClientConnection, *kinds: str) -> Frame:
    async with asyncio.timeout(SECONDS):
        while True:
            frame = json.loads(await member.recv())
            if frame.get("type") in kinds:
                return frame


async def append(member: ClientConnection, entry_id: str, protocol: Protocol = FEED) -> Frame:
    """Send an entry, and return its acknowledgement or error."""
    await member.send(json.dumps({"type": protocol.entry, "id": entry_id, protocol.text: "hello"}))
    return await next_of(member, "ack", "error")


async def send_until_closed(member: ClientConnection, frame: str) -> None:
    """Send the frame again and again, until the server has closed the connection."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await member.send(frame)
            # A client that never reads does not see the close.
            await asyncio.sleep(0)


async def closed(member: ClientConnection) -> tuple[int, str]:
    """Return the code and the reason with which the server closes."""
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(SECONDS):
            while True:
                await member.recv()
    assert member.close_code is not None
    return member.close_code, member.close_reason or ""


def metric(stack: Stack, name: str) -> float:
    for row in httpx.get(f"{stack.process('ws-1').url}/metrics").text.splitlines():
        if row.startswith(name + " "):
            return float(row.split()[-1])
    raise AssertionError(name)


class Counted:
    """The increase of counters since it was created."""

    def __init__(self, stack: Stack, *names: str) -> None:
        self._stack = stack
        self._before = {name: metric(stack, name) for name in names}

    def of(self, name: str) -> float:
        return metric(self._stack, name) - self._before[name]


def guest_cookie(stack: Stack) -> str:
    """Return the cookie of a new guest, as a browser gets it."""
    return f"guest={httpx.get(f'{stack.url}/accounts/login/').cookies['guest']}"
