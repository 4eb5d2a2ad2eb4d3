"""What a WebSocket sends: straight to its socket, or buffered while its client reads slowly."""

import asyncio
import socket
import struct
from typing import Any

from autobahn.util import encode_truncate
from daphne import ws_protocol

from channels_live.close_codes import CloseCode
from channels_live.observability import metrics
from channels_live.server.unsent import Unsent, unsent

OPEN = ws_protocol.WebSocketProtocol.STATE_OPEN
# How long a client that has sent too much is still read from before our half of the connection ends.
LINGER_SECONDS = 1.0
# For which a thread waits for a client. Few threads are shared by many consumers.
THREAD_SECONDS = 1.0
# Of a close frame (RFC 6455, section 5.5).
MAX_REASON_BYTES = 123

# Where tcpi_bytes_acked is in Linux' struct tcp_info (linux/tcp.h, since 4.1).
BYTES_ACKED = 120


class Writer(ws_protocol.WebSocketProtocol):
    """Daphne's protocol, writing without Twisted's buffers where the kernel takes all of it."""

    server: Any
    # Whole frames, written while the transport still has something to send.
    backlog: list[bytes] | None = None
    # Bytes of the backlog that no sender waits for; see ``write``.
    backlog_bytes = 0
    is_backed_up = False
    # A thread has waited for long enough, and the client has not read everything since; see ``sent_soon``.
    is_slow = False
    # Done when the transport has sent what it had, or when the socket is gone.
    flushed: asyncio.Future[None] | None = None
    stall_timer: asyncio.TimerHandle | None = None
    unsent_at_close: Unsent | None = None
    # The newest ping that could not be answered yet.
    unanswered_ping: bytes | None = None
    # Whatever is still received is thrown away.
    discards_input = False

    def connectionMade(self) -> None:
        # A pull producer: the transport calls resumeProducing when it has nothing more to send.
        self.transport.registerProducer(self, False)
        self.send_now = self.transport.getHandle().send
        self.is_backed_up = False
        super().connectionMade()

    def connectionLost(self, reason: Any) -> None:
        self._stop_stall_timer()
        super().connectionLost(reason)

    @property
    def is_connected(self) -> bool:
        """Whether the handshake is done, and the closing handshake has not begun."""
        return bool(self.state == OPEN)

    def write(self, data: bytes) -> None:
        """Send whole frames (see channels_live.frames), or buffer them until the client has read what came before.

        For callers that cannot wait, such as a fan-out. A client that leaves more of it unread than the server's
        ``member_buffer`` bytes is closed with 1013 when something is added to it.
        """
        if self.is_backed_up or self.state != OPEN:
            self._write_later(data)
            return
        # As _write_directly, and not a call of it: this runs for every member and message.
        try:
            sent = self.send_now(data)
        except OSError:
            sent = 0
        if sent != len(data):
            self._leave_to_transport(data[sent:])

    def _write_later(self, data: bytes) -> None:
        if self.state != OPEN:
            return
        # What waits already, and not what comes: one frame may be larger than all that may wait.
        if self.backlog_bytes > self.server.member_buffer:
            self._close_as_slow()
        else:
            self._buffer(data)
            self.backlog_bytes += len(data)

    async def send(self, data: bytes) -> None:
        """Send whole frames, and return when the kernel has taken them, or when the socket is gone.

        However much it is, a client that goes on reading is not slow: only one that takes nothing for the server's
        ``stall_seconds`` is closed with 1013.
        """
        if self.state != OPEN:
            return
        self.sendData(data)
        # No reference here keeps it in memory while the client takes its time.
        del data
        if self.is_backed_up:
            await self.sent()

    async def sent(self) -> None:
        """Return when the kernel has taken what was sent so far, or when the socket is gone."""
        # What the transport has goes first, then the backlog; what is added to that meanwhile is not waited for.
        for _ in range(2 if self.backlog else 1):
            if not self.is_backed_up or self.state != OPEN:
                return
            if self.flushed is None:
                self.flushed = asyncio.get_running_loop().create_future()
            await asyncio.shield(self.flushed)

    async def sent_soon(self) -> None:
        """As ``sent``, for a caller that keeps a thread: return after THREAD_SECONDS at the latest.

        What threads send from then on is not waited for but written as in ``write``, until the client has read
        everything.
        """
        if self.is_slow:
            return
        try:
            async with asyncio.timeout(THREAD_SECONDS):
                await self.sent()
        except TimeoutError:
            self.is_slow = True

    def send_soon(self, data: bytes) -> None:
        """Send whole frames, for a caller that waits with ``sent_soon``."""
        if self.is_slow:
            self.write(data)
        else:
            self.sendData(data)

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Send a frame that autobahn has built, or buffer it; ``sync`` and ``chopsize`` are for autobahn's tests."""
        if self.is_backed_up:
            self._buffer(data)
        else:
            self._write_directly(data)

    def _write_directly(self, data: bytes) -> None:
        try:
            sent = self.send_now(data)
        except OSError:
            # Full, or broken: the transport finds out.
            sent = 0
        if sent != len(data):
            self._leave_to_transport(data[sent:])

    def _leave_to_transport(self, data: bytes) -> None:
        self.is_backed_up = True
        self.transport.write(data)
        if self.stall_timer is None:
            self._start_stall_timer(self.unsent())

    def _buffer(self, data: bytes) -> None:
        if self.backlog is None:
            self.backlog = []
        self.backlog.append(data)

    def _start_stall_timer(self, unsent: Unsent | None) -> None:
        self.stall_timer = asyncio.get_running_loop().call_later(
            self.server.stall_seconds, self._close_unless_progress, unsent
        )

    def _stop_stall_timer(self) -> None:
        if self.stall_timer is not None:
            self.stall_timer.cancel()
            self.stall_timer = None

    def _close_unless_progress(self, before: Unsent | None) -> None:
        """Close the socket with 1013 if the client has taken nothing since ``before``."""
        self.stall_timer = None
        if self.is_backed_up and self.state == OPEN:
            if (left := self.unsent()) == before:
                self._close_as_slow()
            else:
                self._start_stall_timer(left)

    def unsent(self) -> Unsent | None:
        """Return what the other side has not received yet of what was sent, None where that is nothing.

        As long as nothing is added, it differs from one time to the next if some was received meanwhile.
        """
        return unsent(self.transport)

    def acknowledged(self) -> int | None:
        """Return how many bytes the other side's kernel has received so far; None where the kernel does not say."""
        try:
            info = self.transport.getHandle().getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, BYTES_ACKED + 8)
            return int(struct.unpack_from("Q", info, BYTES_ACKED)[0])
        except (AttributeError, OSError, struct.error):
            return None  # outside of Linux, or the socket is gone

    def onPing(self, payload: bytes) -> None:
        # RFC 6455, section 5.5.3: only the newest needs an answer. Pongs must not pile up for a client that does not
        # read.
        if self.is_backed_up:
            self.unanswered_ping = payload
        else:
            self.sendPong(payload)

    def resumeProducing(self) -> None:
        self.is_backed_up = False
        # It starts again below where there is more to send.
        self._stop_stall_timer()
        if self.backlog:
            data = b"".join(self.backlog)
            self.backlog, self.backlog_bytes = None, 0
            self._write_directly(data)
        if self.is_slow and not self.is_backed_up:
            self.is_slow = False
        if not self.is_backed_up and self.unanswered_ping is not None:
            payload, self.unanswered_ping = self.unanswered_ping, None
            self.sendPong(payload)
        self.release_senders()

    def stopProducing(self) -> None:
        """Part of Twisted's IPullProducer; connectionLost follows."""

    def release_senders(self) -> None:
        """Let the coroutines go on that wait until something is sent."""
        if self.flushed is not None:
            self.flushed.set_result(None)
            self.flushed = None

    def close(self, code: int, reason: str | None = None) -> None:
        """Close with any registered code (sendClose refuses 1001, 1008, 1012 and 1013), or reject the handshake.

        ``reason`` is a sentence for people, cut at 123 bytes.
        """
        if self.state == self.STATE_CONNECTING:
            self.serverReject()
        else:
            # A plain number: autobahn keeps it, and it is logged.
            self.sendCloseFrame(int(code), encode_truncate(reason, MAX_REASON_BYTES) if reason else None)
            self.unsent_at_close = self.unsent()
            self.release_senders()

    def onCloseHandshakeTimeout(self) -> None:
        # The close frame stands behind what was sent before. A client that still reads that cannot answer it yet.
        left = self.unsent()
        if self.state == self.STATE_CLOSING and left not in (None, self.unsent_at_close) and not self.discards_input:
            self.unsent_at_close = left
            self.closeHandshakeTimeoutCall = self.factory._batched_timer.call_later(
                self.closeHandshakeTimeout, self.onCloseHandshakeTimeout
            )
        else:
            super().onCloseHandshakeTimeout()

    def close_discarding_input(self, code: int, reason: str) -> None:
        """Close, and parse nothing more from a client that has sent more than enough already.

        What it still sends is thrown away for a moment before our half of the connection ends: nginx, and the kernel,
        answer what comes later with a reset, which overtakes the close frame.
        """
        if self.state != OPEN:
            return
        self.close(code, reason)
        self.discards_input = True
        self.transport.unregisterProducer()
        if self.backlog:
            self.transport.write(b"".join(self.backlog))
            self.backlog, self.backlog_bytes = None, 0
        self.transport.resumeProducing()
        asyncio.get_running_loop().call_later(LINGER_SECONDS, self._end_sending)

    def _end_sending(self) -> None:
        if self.state != self.STATE_CLOSED:
            self.transport.loseWriteConnection()

    def _close_as_slow(self) -> None:
        metrics.SLOW_CLOSED.inc()
        self.backlog, self.backlog_bytes = None, 0
        self.close(CloseCode.TRY_AGAIN_LATER)

    def dropConnection(self, abort: bool = False) -> None:
        if self.backlog and not abort:
            self.transport.write(b"".join(self.backlog))
        super().dropConnection(abort)
