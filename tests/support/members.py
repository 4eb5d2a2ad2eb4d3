"""Members of a room that read frame by frame, and the counters of their ws process."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from deploy.local import Stack
from tests.support.limits import NO_LIMITS

SECONDS = 20


Frame = dict[str, Any]


@contextlib.contextmanager
def stack_with(tmp_path, **environment: str) -> Iterator[Stack]:
    with Stack(tmp_path, ws_processes=1, environment={**NO_LIMITS, **environment}) as stack:
        yield stack


@asynccontextmanager
async def entered(
    stack: Stack, room: str, protocol: str | None = "chat.v1", cookie: str = ""
) -> AsyncIterator[ClientConnection]:
    headers = {"Cookie": cookie} if cookie else {}
    address = f"{stack.url.replace('http', 'ws', 1)}/ws/chat/{room}/"
    options: Any = {"origin": stack.url, "max_queue": None, "additional_headers": headers}
    async with connect(address, subprotocols=[protocol] if protocol else None, **options) as opened:
        yield opened


async def next_of(member: ClientConnection, *kinds: str) -> Frame:
    async with asyncio.timeout(SECONDS):
        while True:
            frame = json.loads(await member.recv())
            if frame.get("type") in kinds:
                return frame


async def say(member: ClientConnection, message_id: str) -> Frame:
    await member.send(json.dumps({"type": "message", "id": message_id, "message": "hello"}))
    return await next_of(member, "ack", "error")


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
    return f"guest={httpx.get(f'{stack.url}/chat/').cookies['guest']}"
