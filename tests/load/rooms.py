"""Clients of ``chat.v1`` in many rooms: some send at a steady rate, and all deliveries are counted."""

import asyncio
import random
import secrets
import time
from collections.abc import Sequence
from types import TracebackType

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from tests.load.client import CONCURRENT_HANDSHAKES, HANDSHAKE_SECONDS, Lost, address

PATIENCE_SECONDS = 30


class Member(WSListener):
    """A client that counts frames by type."""

    def __init__(self, rooms: "Rooms", number: int) -> None:
        self.rooms = rooms
        self.number = number
        self.sent = 0

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.TEXT:
            self.rooms.count_frame(frame.get_payload_as_bytes())

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.rooms.member_closed()

    def send(self, text: str) -> None:
        frame = f'{{"type": "message", "id": "{self.rooms.name}-{self.number}-{self.sent}", "message": "{text}"}}'
        self.sent += 1
        self.transport.send(WSMsgType.TEXT, frame.encode())


class Rooms:
    """``rooms`` rooms with ``members`` each, which are divided among the addresses in turn."""

    def __init__(self, addresses: Sequence[str], rooms: int, members: int, text_bytes: int = 64) -> None:
        # Rooms of this run only: the server stores a message with a known id once.
        self.name = secrets.token_hex(4)
        self.deliveries = self.acknowledgements = 0
        self.members: list[Member] = []
        self._addresses, self._rooms, self._room = addresses, rooms, members
        self._text = "x" * text_bytes
        self._failure: str | None = None
        self._is_leaving = False

    async def __aenter__(self) -> "Rooms":
        slots = asyncio.Semaphore(CONCURRENT_HANDSHAKES)
        try:
            async with asyncio.TaskGroup() as tasks:
                joining = {number: tasks.create_task(self._join(number, slots)) for number in self._mixed()}
        except ExceptionGroup as errors:
            await self.leave()
            raise errors.exceptions[0] from None
        self.members = [joining[number].result() for number in sorted(joining)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.leave()

    def _mixed(self) -> list[int]:
        """Return the members' numbers in a random order, so that nginx spreads those of a room over processes."""
        numbers = list(range(self._rooms * self._room))
        random.Random(0).shuffle(numbers)
        return numbers

    async def _join(self, number: int, slots: asyncio.Semaphore) -> Member:
        # By the number, so that the members of one room are spread over all addresses.
        origin = self._addresses[number % len(self._addresses)]
        async with slots:
            member = Member(self, number)
            await ws_connect(
                lambda: member,
                address(origin, f"{self.name}-{number // self._room}", "tutorial"),
                websocket_handshake_timeout=HANDSHAKE_SECONDS,
                extra_headers={"Origin": origin, "Sec-WebSocket-Protocol": "chat.v1"},
            )
        return member

    async def leave(self) -> None:
        """Close every socket with a closing handshake."""
        self._is_leaving = True
        for member in self.members:
            member.transport.send_close(WSCloseCode.OK)
        gone = (asyncio.wait_for(member.transport.wait_disconnected(), PATIENCE_SECONDS) for member in self.members)
        await asyncio.gather(*gone)

    async def send_at_rate(self, rate: float, seconds: float) -> int:
        """Send ``rate`` messages per second, one room after the other; return how many once all are delivered.

        Raises Lost unless each is acknowledged and delivered to every member of its room.
        """
        self.deliveries = self.acknowledgements = 0
        begun = time.perf_counter()
        messages = round(rate * seconds)
        for number in range(messages):
            if (early := begun + number / rate - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            self.members[number % self._rooms * self._room].send(self._text)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while self.acknowledgements < messages or self.deliveries < messages * self._room:
                    self.check()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise Lost(f"{self.deliveries:,} of {messages * self._room:,} deliveries") from None
        return messages

    def check(self) -> None:
        """Raise Lost if a member received an error or was closed."""
        if self._failure:
            raise Lost(self._failure)

    def count_frame(self, frame: bytes) -> None:
        if frame.startswith(b'{"type":"message"'):
            self.deliveries += 1
        elif frame.startswith(b'{"type":"ack"'):
            self.acknowledgements += 1
        elif frame.startswith(b'{"type":"error"'):
            self._failure = self._failure or frame[:200].decode(errors="replace")

    def member_closed(self) -> None:
        if not self._is_leaving:
            self._failure = self._failure or "a member was closed by the server"
