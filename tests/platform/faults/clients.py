"""Thousands of minimal clients on one event loop, which record their deliveries.

A client reconnects after every broken connection with ``?after=``, with the delays of the browser client
(static/channels_live/resumable_connection.js). It sends only what the protocol requires.
"""

import asyncio
import base64
import json
import os
import random
import struct
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urlsplit

from channels_live.testing import Delivery
from channels_live.testing.client import NO_CLOSE_FRAME
from channels_live.testing.resuming import FIRST_DELAY

LONGEST_DELAY = 20.0
# Handshakes in progress while the clients connect; more would only fill the backlog of nginx.
GATHERING = 200
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
LAG_INTERVAL = 0.1


@dataclass(frozen=True, slots=True)
class Close:
    """The close of a socket as its client received it; ``at`` is time.monotonic()."""

    code: int
    at: float


@dataclass(slots=True)
class Member:
    """What one member of a room has received. ``welcomes`` are times."""

    room: str
    seq: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    closes: list[Close] = field(default_factory=list)
    welcomes: list[float] = field(default_factory=list)
    attempts: int = 0
    connection: "Connection | None" = None

    @property
    def is_online(self) -> bool:
        return self.connection is not None and self.connection.is_welcome


class Clients:
    """Members of the given rooms, one for each name, at ``url``."""

    def __init__(self, url: str, rooms: Iterable[str]) -> None:
        address = urlsplit(url)
        self.host, self.port = address.hostname, address.port
        self.url = url
        self.members = [Member(room) for room in rooms]
        self.failed_handshakes: Counter[str] = Counter()
        # Lag of the test's own event loop, which limits the precision of the measurements.
        self.lags: list[float] = []
        self.is_over = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(GATHERING)

    async def __aenter__(self) -> "Clients":
        self._measuring = asyncio.create_task(self._measure())
        for member in self.members:
            self._start(self._come(member, 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.is_over = True
        for task in [self._measuring, *self._tasks]:
            task.cancel()
        await asyncio.gather(self._measuring, *self._tasks, return_exceptions=True)
        for member in self.members:
            if member.connection:
                member.connection.transport.abort()
        # One turn, in which the transports tell that they are gone.
        await asyncio.sleep(0)

    @property
    def online(self) -> int:
        return sum(member.is_online for member in self.members)

    @property
    def closes(self) -> list[Close]:
        return [close for member in self.members for close in member.closes]

    async def wait_for(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Return when the condition holds; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110  # of thousands of members
                await asyncio.sleep(0.05)

    async def wait_until_all_are_online(self, seconds: float = 120) -> None:
        """Return when every member has received its welcome; raises TimeoutError."""
        await self.wait_for(lambda: self.online == len(self.members), seconds)

    def drop_all(self) -> None:
        """Abort all connections at once; all clients reconnect at once, without a delay."""
        for member in self.members:
            if member.connection:
                member.connection.comes_back_at_once = True
                member.connection.transport.abort()

    def lost(self, connection: "Connection") -> None:
        """Reconnect after a connection has ended or failed."""
        member = connection.member
        member.connection = None
        if connection.comes_back_at_once:
            delay = 0.0
        else:
            delay = random.uniform(0, min(LONGEST_DELAY, FIRST_DELAY * 2**member.attempts))
            member.attempts += 1
        self._start(self._come(member, delay))

    async def _come(self, member: Member, delay: float) -> None:
        await asyncio.sleep(delay)
        # Only first connections are limited, since the test is about reconnecting at once.
        if member.welcomes:
            await self._connect(member)
            return
        async with self._gate:
            await self._connect(member)
            await self.wait_for(lambda: member.welcomes or member.connection is None)

    async def _connect(self, member: Member) -> None:
        loop = asyncio.get_running_loop()
        connection = Connection(self, member)
        member.connection = connection
        try:
            await loop.create_connection(lambda: connection, self.host, self.port)
        except OSError as error:
            self.failed_handshakes[type(error).__name__] += 1
            self.lost(connection)

    def _start(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _measure(self) -> None:
        while True:
            due = time.monotonic() + LAG_INTERVAL
            await asyncio.sleep(LAG_INTERVAL)
            self.lags.append(time.monotonic() - due)


class Connection(asyncio.Protocol):
    """One connection of a member, from its handshake to its end."""

    transport: asyncio.Transport

    def __init__(self, clients: Clients, member: Member) -> None:
        self.clients = clients
        self.member = member
        self.is_welcome = False
        self.is_open = False
        self.comes_back_at_once = False
        self.close: Close | None = None
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /ws/feed/{self.member.room}/?after={self.member.seq} HTTP/1.1\r\n"
            f"Host: {self.clients.url.removeprefix('http://')}\r\nOrigin: {self.clients.url}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: journal.v1\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self.is_open:
            head, end, rest = self._data.partition(b"\r\n\r\n")
            if not end:
                return
            status = head.split(b" ", 2)[1].decode()
            if status != "101":
                self.clients.failed_handshakes[status] += 1
                self.transport.abort()
                return
            self.is_open = True
            self._data = rest
        at = time.monotonic()
        while frame := self._next_frame():
            self._take(*frame, at)

    def connection_lost(self, error: Exception | None) -> None:
        if self.clients.is_over:
            return
        if self.is_open:
            self.member.closes.append(self.close or Close(NO_CLOSE_FRAME, time.monotonic()))
        elif not self._data:
            self.clients.failed_handshakes["no answer"] += 1
        self.clients.lost(self)

    def _next_frame(self) -> tuple[int, bytes] | None:
        """Take a whole frame from what has come. A server sends short ones unmasked and in one piece."""
        data = self._data
        if len(data) < 2:
            return None
        size, begin = data[1], 2
        if size >= 126:
            begin += 2 if size == 126 else 8
            size = int.from_bytes(data[2:begin], "big")
        if len(data) < begin + size:
            return None
        self._data = data[begin + size :]
        return data[0] & 0x0F, data[begin : begin + size]

    def _take(self, opcode: int, payload: bytes, at: float) -> None:
        if opcode == TEXT:
            # Presence is not recorded.
            if not payload.startswith(b'{"type":"presence"'):
                self._take_text(json.loads(payload), at)
        elif opcode == CLOSE:
            self.close = Close(struct.unpack("!H", payload[:2])[0], at)
            self._answer(CLOSE, payload[:2])
        elif opcode == PING:
            self._answer(PONG, payload)

    def _take_text(self, frame: dict[str, object], at: float) -> None:
        match frame:
            case {"type": "entry", "seq": int(seq), "id": str(message_id), "text": str(text)}:
                self.member.deliveries.append(Delivery(seq, message_id, {"text": text}, at))
                self.member.seq = max(self.member.seq, seq)
            case {"type": "welcome"}:
                self.is_welcome = True
                self.member.attempts = 0
                self.member.welcomes.append(at)

    def _answer(self, opcode: int, payload: bytes) -> None:
        # Clients mask what they send; a mask of zeros changes nothing (RFC 6455, section 5.3).
        self.transport.write(bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload)
