"""A client that loses nothing, and records all that it receives.

After every broken connection it comes back with ``?after=`` the last number it has, and sends what was not
acknowledged again under the same ids. It sorts nothing out: what the server delivers twice is recorded twice.
"""

import asyncio
import contextlib
import json
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

# The first as in the browser's client; the longest shorter, so that drills are.
FIRST_DELAY, LONGEST_DELAY = 0.5, 1.0
# A handshake waits for as long as a stopped process is stopped.
HANDSHAKE_SECONDS = 15
LEAVE_SECONDS = 2
NO_CLOSE_FRAME = 1006


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it arrived; ``at`` is time.monotonic()."""

    seq: int
    id: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error frame that names a message."""

    id: str
    code: str
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a product's entries are sent and received: below which path, and under which names in the frames."""

    path: str
    subprotocol: str
    entry: str
    text: str


# The app of the platform's own tests (tests/platform/project).
FEED = Protocol("/ws/feed/", "journal.v1", "entry", "text")


class Client:
    """A member of a room, from ``async with`` on; ``url`` is nginx's or that of one ws process.

    ``after`` is the number from which it resumes the first time.
    """

    def __init__(self, url: str, room: str, name: str, after: int = 0, protocol: Protocol = FEED) -> None:
        self.protocol = protocol
        self.room = room
        self.name = name
        self.seq = after
        self.deliveries: list[Delivery] = []
        self.said: dict[str, str] = {}
        self.said_at: dict[str, float] = {}
        # What waits for its acknowledgement, oldest first.
        self.unacknowledged: dict[str, str] = {}
        self.acknowledged: dict[str, int] = {}
        self.acknowledged_at: dict[str, float] = {}
        # Acknowledged a second time with another number: never to happen.
        self.changed: list[str] = []
        self.refusals: list[Refusal] = []
        self.resets: list[int] = []
        self.welcomes: list[dict[str, Any]] = []
        # How many are in the room, by the newest presence frame.
        self.presence = 0
        self.close_codes: Counter[int] = Counter()
        # Handshakes that failed, by HTTP status or kind of error.
        self.failed_handshakes: Counter[str] = Counter()
        self._address = f"{url.replace('http', 'ws', 1)}{protocol.path}{quote(room, safe='')}/"
        self._origin = url
        self._socket: ClientConnection | None = None
        self._unsent: deque[str] = deque()
        self._sending = asyncio.Lock()
        self._news = asyncio.Event()
        self._retries: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Client":
        self._running = asyncio.create_task(self._run())
        # It runs until it is cancelled, so whoever waits must learn of a crash.
        self._running.add_done_callback(lambda _: self._news.set())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for task in [self._running, *self._retries]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @property
    def is_online(self) -> bool:
        return self._socket is not None

    async def say(self, text: str) -> str:
        """Send a message now, or as soon as there is a connection; return its id."""
        message_id = f"{self.name}-{len(self.said)}"
        self.said[message_id] = self.unacknowledged[message_id] = text
        self.said_at[message_id] = time.monotonic()
        self._unsent.append(message_id)
        await self._send_unsent()
        return message_id

    async def wait_for_delivery(self, message_id: str, seconds: float = 30) -> Delivery:
        """Return the first delivery of a message, also of another client's; raises TimeoutError."""
        await self.wait_for(lambda: any(delivery.id == message_id for delivery in self.deliveries), seconds)
        return next(delivery for delivery in self.deliveries if delivery.id == message_id)

    async def wait_for(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Return when the condition holds, which is asked after every frame and every broken connection.

        Raises TimeoutError.
        """
        async with asyncio.timeout(seconds):
            while not condition():
                if self._running.done():
                    self._running.result()
                self._news.clear()
                await self._news.wait()

    async def _run(self) -> None:
        delay = FIRST_DELAY
        while True:
            welcomes = len(self.welcomes)
            try:
                await self._connect()
            except ConnectionClosed as error:
                self.close_codes[error.rcvd.code if error.rcvd else NO_CLOSE_FRAME] += 1
            except (OSError, InvalidHandshake, InvalidMessage, TimeoutError) as error:
                response = getattr(error, "response", None)
                self.failed_handshakes[str(response.status_code) if response else type(error).__name__] += 1
            finally:
                self._socket = None
                self._news.set()
            delay = FIRST_DELAY if len(self.welcomes) > welcomes else min(delay * 2, LONGEST_DELAY)
            # Full jitter, so that clients do not reconnect all at once.
            await asyncio.sleep(random.uniform(0, delay))

    async def _connect(self) -> None:
        """Take in frames until the connection breaks; always ends with an exception."""
        epoch = f"&epoch={self.welcomes[-1]['epoch']}" if self.welcomes else ""
        async with connect(
            f"{self._address}?after={self.seq}{epoch}",
            origin=self._origin,  # type: ignore[arg-type]
            subprotocols=[self.protocol.subprotocol],  # type: ignore[list-item]
            compression=None,
            open_timeout=HANDSHAKE_SECONDS,
            close_timeout=LEAVE_SECONDS,
            # Recording is cheap; a queue that fills up would only hide when frames came.
            max_queue=None,
            proxy=None,
        ) as socket:
            while True:
                await self._take(json.loads(await socket.recv()), socket)

    async def _take(self, frame: dict[str, Any], socket: ClientConnection) -> None:
        match frame:
            case {"type": self.protocol.entry, "seq": seq, "id": message_id}:
                self.deliveries.append(Delivery(seq, message_id, frame[self.protocol.text], time.monotonic()))
                self.seq = max(self.seq, seq)
            case {"type": "ack", "id": message_id, "seq": seq}:
                self.unacknowledged.pop(message_id, None)
                self.acknowledged_at.setdefault(message_id, time.monotonic())
                if self.acknowledged.setdefault(message_id, seq) != seq:
                    self.changed.append(message_id)
            case {"type": "error", "code": code, "id": message_id}:
                self.refusals.append(Refusal(message_id, code, frame.get("retry_after")))
                self._retry(message_id, frame.get("retry_after"), socket)
            case {"type": "welcome"}:
                self.welcomes.append(frame)
                self._socket = socket
                self._unsent = deque(self.unacknowledged)
                await self._send_unsent()
            case {"type": "presence", "count": count}:
                self.presence = count
            case {"type": "reset", "head": head}:
                self.resets.append(head)
                self.seq = head
        self._news.set()

    def _retry(self, message_id: str, seconds: float | None, socket: ClientConnection) -> None:
        async def retry() -> None:
            await asyncio.sleep(seconds or 0)
            # After a new connection it is sent anyway.
            if self._socket is socket:
                self._unsent.append(message_id)
                await self._send_unsent()

        # Without retry_after the frame itself is wrong, and sending it again is no use.
        if seconds is not None:
            task = asyncio.create_task(retry())
            self._retries.add(task)
            task.add_done_callback(self._retries.discard)

    async def _send_unsent(self) -> None:
        # One at a time, so that messages are sent in the order they were said in.
        async with self._sending:
            while self._unsent and self._socket:
                message_id = self._unsent.popleft()
                frame = {"type": self.protocol.entry, "id": message_id, self.protocol.text: self.said[message_id]}
                try:
                    await self._socket.send(json.dumps(frame))
                except ConnectionClosed:
                    return
