import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import pytest
from websockets.asyncio.client import ClientConnection, connect


class Member:
    """A member of a room, who speaks the tutorial's protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, text: str) -> None:
        await self.socket.send(json.dumps({"message": text}))

    async def receive(self) -> Any:
        return json.loads(await self.socket.recv())


Join = Callable[..., AbstractAsyncContextManager[Member]]


@pytest.fixture
def room() -> str:
    """A room that nobody has been in, also where the stack under test is an old one."""
    return f"room-{token_hex(4)}"


@pytest.fixture
def join(base_url: str) -> Join:
    """Open a socket of a room as a browser would, through nginx unless another ``url`` is given."""

    @asynccontextmanager
    async def join(room: str, url: str = base_url, origin: str | None = base_url) -> AsyncIterator[Member]:
        address = f"{url.replace('http', 'ws', 1)}/ws/chat/{quote(room, safe='')}/"
        async with connect(address, origin=origin) as socket:  # type: ignore[arg-type]
            yield Member(socket)

    return join
