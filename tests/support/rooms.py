"""Clients of the platform tests' app ``groups``: consumers of Channels in two ws processes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from deploy.local import Process

SECONDS = 20


class RoomMember:
    """A member of a room, connected to one ws process; see tests/platform/project/groups/consumers.py."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def order(self, **order: Any) -> None:
        """Have its consumer do something."""
        await self.connection.send(json.dumps(order))

    async def receive(self, **expected: Any) -> dict[str, Any]:
        """Return the next frame in which these values are, within SECONDS; those before are passed over."""
        async with asyncio.timeout(SECONDS):
            while True:
                frame: dict[str, Any] = json.loads(await self.connection.recv())
                if frame.items() >= expected.items():
                    return frame

    async def next(self) -> dict[str, Any]:
        """Return the next frame, within SECONDS."""
        return await self.receive()

    async def do(self, **order: Any) -> dict[str, Any]:
        """Have its consumer do something, and return its answer."""
        await self.order(**order)
        return await self.receive()

    async def settled(self) -> None:
        """Return when its consumer has handled all orders."""
        await self.order(path=None)
        while "path" not in await self.receive():
            pass

    async def closed(self) -> int | None:
        """Return the code with which the server closes, within SECONDS."""
        async with asyncio.timeout(SECONDS):
            await self.connection.wait_closed()
        return self.connection.close_code


@asynccontextmanager
async def member(process: Process, kind: str, room: str, **options: Any) -> AsyncIterator[RoomMember]:
    """Enter a room, with a consumer of that kind."""
    address = f"{process.url.replace('http', 'ws', 1)}/ws/groups/{kind}/{room}/"
    async with connect(address, origin=process.url, compression=None, proxy=None, **options) as connection:  # type: ignore[arg-type]
        yield RoomMember(connection)


@asynccontextmanager
async def members(process: Process, kind: str, room: str, number: int) -> AsyncIterator[list[RoomMember]]:
    """Enter a room several times."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(member(process, kind, room)) for _ in range(number)]
