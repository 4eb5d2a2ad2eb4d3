"""Fast clients in one room that count and time every delivery.

Each text begins with ``#``, the number of its sender and its own, so that lost, repeated and reordered deliveries are
detected.
"""

import asyncio
import time
from array import array
from collections.abc import Sequence
from types import TracebackType

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

CONCURRENT_HANDSHAKES = 64
HANDSHAKE_SECONDS = 30
SENDER_DIGITS, NUMBER_DIGITS = 2, 9
HEAD = 1 + SENDER_DIGITS
LENGTH = HEAD + NUMBER_DIGITS
TEXT_BYTES = 64


class Lost(Exception):
    """A delivery is missing, repeated or out of order, or the server closed a client."""


class Member(WSListener):
    """A client of the tutorial's protocol, or of Socket.IO's, which wraps the same texts."""

    def __init__(self, clients: "Clients") -> None:
        self.clients = clients
        self.next: list[int] = [0] * clients.senders
        self.ready = asyncio.get_running_loop().create_future()
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        if self.clients.dialect == "tutorial":
            self.ready.set_result(None)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is not WSMsgType.TEXT:
            return
        payload = frame.get_payload_as_bytes()
        mark = payload.find(b"#")
        if mark >= 0:
            sender, number = int(payload[mark + 1 : mark + HEAD]), int(payload[mark + HEAD : mark + LENGTH])
            self.clients.count_delivery(self.next, sender, number)
        elif self.clients.dialect == "socket.io":
            self._answer(transport, payload)
        else:
            self.clients.fail(payload[:200].decode(errors="replace"))

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.clients.member_closed(self)

    def send(self, text: str) -> None:
        assert self.transport
        form = '42["message","%s"]' if self.clients.dialect == "socket.io" else '{"message": "%s"}'
        self.transport.send(WSMsgType.TEXT, (form % text).encode())

    def _answer(self, transport: WSTransport, payload: bytes) -> None:
        """Answer Engine.IO's handshake and heartbeat."""
        match payload[:2]:
            case b"2":
                transport.send(WSMsgType.TEXT, b"3")
            case b"40":
                self.ready.set_result(None)
            case _ if payload.startswith(b"0"):
                transport.send(WSMsgType.TEXT, b"40")


class Clients:
    """Members of one room; the first ``senders`` of them send texts of 64 bytes, followed by ``padding``.

    ``addresses`` are http:// URLs of the server's processes, among which the members are divided. With several
    ``rooms`` they are divided among those too, and send nothing.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        dialect: str,
        members: int,
        senders: int = 1,
        rooms: int = 1,
        padding: str = "",
    ) -> None:
        self.dialect = dialect
        self.senders = senders
        self.members: list[Member] = []
        self.deliveries = self.lost = self.repeated = 0
        self.latencies = array("d")
        self.is_timing = False
        self._failure: str | None = None
        self._addresses, self._count, self._rooms = addresses, members, rooms
        self._padding = "x" * (TEXT_BYTES - LENGTH) + padding
        self._sent_at: list[list[float]] = [[] for _ in range(senders)]
        self._goal = 0
        self._done = asyncio.Event()
        self._is_leaving = False

    async def __aenter__(self) -> "Clients":
        slots = asyncio.Semaphore(CONCURRENT_HANDSHAKES)
        try:
            async with asyncio.TaskGroup() as tasks:
                joining = [tasks.create_task(self._join(number, slots)) for number in range(self._count)]
        except ExceptionGroup as errors:
            await self.leave()
            raise errors.exceptions[0] from None
        self.members = [task.result() for task in joining]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.leave()

    async def _join(self, number: int, slots: asyncio.Semaphore) -> Member:
        origin = self._addresses[number % len(self._addresses)]
        async with slots:
            member = Member(self)
            await ws_connect(
                lambda: member,
                address(origin, f"load-{number % self._rooms}", self.dialect),
                websocket_handshake_timeout=HANDSHAKE_SECONDS,
                extra_headers={"Origin": origin},
            )
            await asyncio.wait_for(member.ready, HANDSHAKE_SECONDS)
        return member

    async def leave(self) -> None:
        """Close every socket with a closing handshake."""
        self._is_leaving = True
        transports = [member.transport for member in self.members if member.transport]
        for transport in transports:
            transport.send_close(WSCloseCode.OK)
        await asyncio.gather(*(asyncio.wait_for(transport.wait_disconnected(), 30) for transport in transports))

    async def warm_up(self, messages: int = 3, seconds: float = 60) -> None:
        """Return once so many messages in a row have reached all members; raises TimeoutError.

        The first may be lost, since some servers subscribe in Redis only after the handshake.
        """
        complete = 0
        async with asyncio.timeout(seconds):
            while complete < messages:
                self.reset_counts()
                self.send()
                try:
                    await self.wait_until_delivered(5)
                    complete += 1
                except TimeoutError:
                    complete = 0
        self.reset_counts()

    def reset_counts(self) -> None:
        """Start counting from zero."""
        self.deliveries = self._goal = self.lost = self.repeated = 0
        self.latencies = array("d")
        for sender in range(self.senders):
            for member in self.members:
                member.next[sender] = len(self._sent_at[sender])

    def send(self, sender: int = 0) -> None:
        """Send the next message of a sender."""
        sent = self._sent_at[sender]
        text = f"#{sender:0{SENDER_DIGITS}}{len(sent):0{NUMBER_DIGITS}}{self._padding}"
        self._goal += len(self.members)
        self._done.clear()
        sent.append(time.perf_counter())
        self.members[sender].send(text)

    async def wait_until_delivered(self, seconds: float) -> None:
        """Return when every message has reached every member; raises TimeoutError and Lost."""
        try:
            async with asyncio.timeout(seconds):
                await self._done.wait()
        finally:
            self.check()

    def check(self) -> None:
        """Raise Lost if a member received an error or was closed."""
        if self._failure:
            raise Lost(self._failure)

    def count_delivery(self, following: list[int], sender: int, number: int) -> None:
        """Count a delivery; ``following`` has the number that the member expects next from each sender."""
        now = time.perf_counter()
        expected = following[sender]
        if number < expected:
            self.repeated += 1
            return
        self.lost += number - expected
        following[sender] = number + 1
        self.deliveries += 1
        if self.is_timing:
            self.latencies.append(now - self._sent_at[sender][number])
        if self.deliveries + self.lost >= self._goal:
            self._done.set()

    def fail(self, reason: str) -> None:
        self._failure = self._failure or reason
        self._done.set()

    def member_closed(self, member: Member) -> None:
        if not self._is_leaving:
            self.fail("a member was closed by the server")


def address(origin: str, room: str, dialect: str) -> str:
    """Return the WebSocket address of a room at ``http://host:port``."""
    root = origin.replace("http", "ws", 1)
    if dialect == "socket.io":
        return f"{root}/socket.io/?EIO=4&transport=websocket&room={room}"
    return f"{root}/ws/chat/{room}/"
