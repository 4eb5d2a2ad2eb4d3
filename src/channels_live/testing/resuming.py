"""A client of a journal that reconnects and resumes, and records all that it receives.

After every broken connection it comes back with ``?after=`` the last number it has, and sends what was not
acknowledged again under the same ids. It sorts nothing out: what the server delivers twice is recorded twice.
"""

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from channels_live.testing.client import NO_CLOSE_FRAME
from channels_live.testing.deliveries import Acknowledged, Delivery
from channels_live.testing.handshake import Handshake

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

# As channels_live.journal has it, whose import needs the models.
JOURNAL_V1 = "journal.v1"
# In seconds. The first as in the browser's client; the longest shorter, so that tests are.
FIRST_DELAY, LONGEST_DELAY = 0.5, 1.0
# A handshake waits for as long as a paused process is paused.
HANDSHAKE_SECONDS = 15
WAIT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error frame that names an entry.

    Attributes:
        id: The id of the entry.
        code: Such as ``rate_limited``.
        retry_after: Seconds after which the entry may be sent again; None where it never may.
    """

    id: str
    code: str
    retry_after: float | None


class AsyncResumingClient:
    """A client of one stream, from ``async with`` on. ``LiveStack.aresume`` makes one.

    Args:
        urls: Addresses of the stream, ``ws://127.0.0.1:20001/ws/feed/news/``, without ``after``. Each connection takes
            the next one, as behind a load balancer.
        name: What its ids begin with, and what reports call it.
        after: The number from which it resumes the first time; 0 for all entries.
        subprotocol: ``journal.v1``, or another that has its frames.
        entry: The ``type`` of an entry's frame.
        handshake: What else its handshakes send; its ``url`` is not used. By default the origin of the address.
    """

    def __init__(
        self,
        urls: str | Sequence[str],
        name: str = "client",
        *,
        after: int = 0,
        subprotocol: str = JOURNAL_V1,
        entry: str = "entry",
        handshake: Handshake | None = None,
    ) -> None:
        self.name = name
        self.seq = after
        """The last number that it has."""
        self.deliveries: list[Delivery] = []
        """All entries that it received, in the order in which they came."""
        self.sent: dict[str, dict[str, Any]] = {}
        """The fields of its own entries, by their ids."""
        self.sent_at: dict[str, float] = {}
        """When ``send`` was called for each, in seconds of ``time.monotonic()``."""
        self.unacknowledged: dict[str, dict[str, Any]] = {}
        """Those of its entries that wait for their acknowledgement, the oldest first."""
        self.acknowledged: dict[str, int] = {}
        """The numbers of its acknowledged entries, by their ids."""
        self.acknowledged_at: dict[str, float] = {}
        """When each acknowledgement came."""
        self.renumbered: list[str] = []
        """Entries that were acknowledged again with another number, which must never happen."""
        self.refusals: list[Refusal] = []
        """The error frames that name an entry of its own."""
        self.resets: list[int] = []
        """The heads of the ``reset`` frames."""
        self.welcomes: list[dict[str, Any]] = []
        """The ``welcome`` frames, one for each connection."""
        self.close_codes: Counter[int] = Counter()
        """How often its connections were closed with which code; 1006 is a connection that broke."""
        self.failed_handshakes: Counter[str] = Counter()
        """Handshakes that failed, by HTTP status or kind of error."""
        self._urls = itertools.cycle([urls] if isinstance(urls, str) else list(urls))
        self._handshake = handshake or Handshake("")
        self._subprotocol = subprotocol
        self._entry = entry
        self._arguments: dict[str, Any] = {}
        self._socket: ClientConnection | None = None
        self._unsent: deque[str] = deque()
        self._sending = asyncio.Lock()
        self._news = asyncio.Event()
        self._retries: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._arguments = await self._handshake.aarguments()
        self._running = asyncio.create_task(self._run())
        # It runs until it is cancelled, so what waits must learn of a crash.
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
        """Whether it is connected, and has its ``welcome``."""
        return self._socket is not None

    async def send(self, **fields: Any) -> str:
        """Send an entry now, or as soon as there is a connection.

        Args:
            fields: The entry's fields, such as ``text``.

        Returns:
            The id under which it is sent.
        """
        entry_id = f"{self.name}-{len(self.sent)}"
        self.sent[entry_id] = self.unacknowledged[entry_id] = fields
        self.sent_at[entry_id] = time.monotonic()
        self._unsent.append(entry_id)
        await self._send_unsent()
        return entry_id

    async def wait_for_delivery(self, entry_id: str, seconds: float = WAIT_SECONDS) -> Delivery:
        """Return the first delivery of an entry, also of another client's.

        Args:
            entry_id: Its id, as ``send`` returns it.
            seconds: How long to wait.

        Raises:
            TimeoutError: It has not come by then; the text says what has.
        """
        await self.wait_for(lambda: any(delivery.id == entry_id for delivery in self.deliveries), seconds)
        return next(delivery for delivery in self.deliveries if delivery.id == entry_id)

    async def wait_for_acknowledgements(self, seconds: float = WAIT_SECONDS) -> None:
        """Return when all that was sent is acknowledged; raises TimeoutError after so many seconds."""
        await self.wait_for(lambda: not self.unacknowledged, seconds)

    async def wait_for(self, condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
        """Return when the condition holds, which is asked after every frame and every broken connection.

        Args:
            condition: Asked without arguments.
            seconds: How long to wait.

        Raises:
            TimeoutError: It does not hold by then; the text says what the client has.
        """
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    if self._running.done():
                        self._running.result()
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimeoutError(f"{seconds:g} s were not enough. {self.describe()}") from None

    def describe(self) -> str:
        """Return in one line what the client has, for errors."""
        state = "online" if self.is_online else "offline"
        facts = {
            "received": len(self.deliveries),
            "last number": self.seq,
            "sent": len(self.sent),
            "unacknowledged": list(self.unacknowledged)[:5],
            "close codes": dict(self.close_codes),
            "failed handshakes": dict(self.failed_handshakes),
            "refusals": self.refusals[-3:],
            "resets": self.resets,
        }
        return f"{self.name} is {state}; " + ", ".join(f"{name}: {fact}" for name, fact in facts.items() if fact)

    def written(self) -> list[Acknowledged]:
        """Return its acknowledged entries, for ``count_deliveries``."""
        return [Acknowledged(seq, entry_id, self.sent[entry_id]) for entry_id, seq in self.acknowledged.items()]

    async def on_frame(self, frame: Mapping[str, Any]) -> None:
        """A frame has come that the client itself has no use for, such as presence; for subclasses."""

    async def _run(self) -> None:
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

        delay = FIRST_DELAY
        while True:
            welcomes = len(self.welcomes)
            try:
                await self._connect(next(self._urls))
            except ConnectionClosed as error:
                self.close_codes[error.rcvd.code if error.rcvd else NO_CLOSE_FRAME] += 1
            except (OSError, InvalidHandshake, InvalidMessage, TimeoutError) as error:
                response = getattr(error, "response", None)
                self.failed_handshakes[str(response.status_code) if response else type(error).__name__] += 1
            finally:
                self._socket = None
                self._news.set()
            delay = FIRST_DELAY if len(self.welcomes) > welcomes else min(delay * 2, LONGEST_DELAY)
            # Full jitter, so that many clients do not come back in one moment.
            await asyncio.sleep(random.uniform(0, delay))

    async def _connect(self, url: str) -> None:
        """Read frames until the connection ends; always ends with an exception."""
        from websockets.asyncio.client import connect

        epoch = f"&epoch={self.welcomes[-1]['epoch']}" if self.welcomes else ""
        address = urlsplit(url)
        origin = f"{address.scheme.replace('ws', 'http', 1)}://{address.netloc}"
        arguments = self._arguments | {
            "uri": f"{url}{'&' if address.query else '?'}after={self.seq}{epoch}",
            "origin": self._arguments["origin"] or origin,
            "subprotocols": [self._subprotocol],
            "open_timeout": HANDSHAKE_SECONDS,
        }
        async with connect(**arguments) as socket:
            while True:
                await self._take(json.loads(await socket.recv()), socket)

    async def _take(self, frame: dict[str, Any], socket: "ClientConnection") -> None:
        match frame:
            case {"type": self._entry, "seq": seq, "id": entry_id}:
                self.deliveries.append(Delivery(seq, entry_id, frame, time.monotonic()))
                self.seq = max(self.seq, seq)
            case {"type": "ack", "id": entry_id, "seq": seq}:
                self.unacknowledged.pop(entry_id, None)
                self.acknowledged_at.setdefault(entry_id, time.monotonic())
                if self.acknowledged.setdefault(entry_id, seq) != seq:
                    self.renumbered.append(entry_id)
            case {"type": "error", "code": code, "id": entry_id}:
                self.refusals.append(Refusal(entry_id, code, frame.get("retry_after")))
                self._retry(entry_id, frame.get("retry_after"), socket)
            case {"type": "welcome"}:
                self.welcomes.append(frame)
                self._socket = socket
                self._unsent = deque(self.unacknowledged)
                await self._send_unsent()
            case {"type": "reset", "head": head}:
                self.resets.append(head)
                self.seq = head
            case _:
                await self.on_frame(frame)
        self._news.set()

    def _retry(self, entry_id: str, seconds: float | None, socket: "ClientConnection") -> None:
        async def retry() -> None:
            await asyncio.sleep(seconds or 0)
            # After a new connection it is sent anyway.
            if self._socket is socket:
                self._unsent.append(entry_id)
                await self._send_unsent()

        # Without retry_after the frame itself is invalid, and sending it again is no use.
        if seconds is not None:
            task = asyncio.create_task(retry())
            self._retries.add(task)
            task.add_done_callback(self._retries.discard)

    async def _send_unsent(self) -> None:
        from websockets.exceptions import ConnectionClosed

        # One at a time, so that entries are sent in the order of their send().
        async with self._sending:
            while self._unsent and self._socket:
                entry_id = self._unsent.popleft()
                frame = {"type": self._entry, "id": entry_id, **self.sent[entry_id]}
                try:
                    await self._socket.send(json.dumps(frame))
                except ConnectionClosed:
                    return
