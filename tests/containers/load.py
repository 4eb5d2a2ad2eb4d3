"""Members of a room who talk all the time, and remember what they heard."""

import asyncio
import json
from collections import defaultdict
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SECONDS_BETWEEN_MESSAGES = 0.1


class Member:
    """Says ``name 0``, ``name 1`` … while the socket lives; ``heard`` has the numbers by speaker."""

    def __init__(self, name: str, socket: ClientConnection) -> None:
        self.name = name
        self.said = 0
        self.heard: dict[str, list[int]] = defaultdict(list)
        self._news = asyncio.Condition()
        self._socket = socket
        self._listening = asyncio.create_task(self._listen())
        self._talking = asyncio.create_task(self._talk())

    @property
    def is_connected(self) -> bool:
        return not self._listening.done()

    async def has_heard(self, *names: str) -> None:
        """Return when each of them was heard."""
        async with self._news:
            await self._news.wait_for(lambda: all(self.heard[name] for name in names))

    async def fall_silent(self) -> None:
        """Say nothing more, but listen."""
        self._talking.cancel()
        with suppress(asyncio.CancelledError):
            await self._talking

    async def leave(self) -> None:
        await self.fall_silent()
        await self._socket.close()
        await self._listening

    async def _listen(self) -> None:
        with suppress(ConnectionClosed):
            async for frame in self._socket:
                content = json.loads(frame)
                if "error" in content:
                    continue
                speaker, number = content["message"].split()
                self.heard[speaker].append(int(number))
                async with self._news:
                    self._news.notify_all()

    async def _talk(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                await self._socket.send(json.dumps({"message": f"{self.name} {self.said}"}))
                self.said += 1
                await asyncio.sleep(SECONDS_BETWEEN_MESSAGES)


async def join(url: str, room: str, name: str) -> Member:
    """Enter the room through nginx."""
    address = f"{url.replace('http', 'ws', 1)}/ws/chat/{room}/"
    return Member(name, await connect(address, origin=url))  # type: ignore[arg-type]
