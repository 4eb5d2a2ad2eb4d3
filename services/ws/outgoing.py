"""What a WebSocket sends: straight to its socket, or kept while its client reads slowly."""

import asyncio
from typing import Any

from autobahn.util import encode_truncate
from daphne import ws_protocol

from ws import metrics

OPEN = ws_protocol.WebSocketProtocol.STATE_OPEN
TRY_AGAIN_LATER = 1013
LINGER_SECONDS = 1.0
# Of a close frame (RFC 6455, section 5.5).
MAX_REASON_BYTES = 123


class Outgoing(ws_protocol.WebSocketProtocol):
    """Daphne's protocol, writing without Twisted's buffers where the kernel takes all of it."""

    server: Any
    # Written to while the transport still has something to send; whole frames.
    backlog: list[bytes] | None = None
    backlog_bytes = 0
    is_backed_up = False
    flush: asyncio.Future[None] | None = None
    # The newest ping that could not be answered yet.
    unanswered_ping: bytes | None = None
    # What still comes in is thrown away.
    is_deaf = False

    def connectionMade(self) -> None:
        # A pull producer: the transport says when it has nothing more to send.
        self.transport.registerProducer(self, False)
        self.send_now = self.transport.getHandle().send
        self.is_backed_up = False
        super().connectionMade()

    @property
    def is_connected(self) -> bool:
        return bool(self.state == OPEN)

    def write(self, data: bytes) -> None:
        """Send whole frames (see ws.frames), or keep them until the client has read what came before.

        A client that leaves more unread than the server's ``member_buffer`` is closed with 1013.
        """
        if self.is_backed_up or self.state != OPEN:
            self._write_later(data)
            return
        # As _send, and not a call of it: this runs for every member and message.
        try:
            sent = self.send_now(data)
        except OSError:
            sent = 0
        if sent != len(data):
            self._leave_to_transport(data[sent:])

    def _write_later(self, data: bytes) -> None:
        if self.state == OPEN:
            self._keep(data)
            if self.backlog_bytes > self.server.member_buffer:
                self._close_as_slow()

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        if self.is_backed_up:
            self._keep(data)
        else:
            self._send(data)

    def _send(self, data: bytes) -> None:
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

    def _keep(self, data: bytes) -> None:
        if self.backlog is None:
            self.backlog = []
        self.backlog.append(data)
        self.backlog_bytes += len(data)

    def onPing(self, payload: bytes) -> None:
        # RFC 6455, section 5.5.3: only the newest needs an answer. Pongs must not pile up for who does not read.
        if self.is_backed_up:
            self.unanswered_ping = payload
        else:
            self.sendPong(payload)

    async def flushed(self) -> None:
        """Return when nothing waits to be sent, or the socket is gone."""
        if self.is_backed_up and self.state == OPEN:
            if self.flush is None:
                self.flush = asyncio.get_running_loop().create_future()
            await asyncio.shield(self.flush)

    def resumeProducing(self) -> None:
        self.is_backed_up = False
        if self.backlog:
            data = b"".join(self.backlog)
            self.backlog, self.backlog_bytes = None, 0
            self._send(data)
        if not self.is_backed_up and self.unanswered_ping is not None:
            payload, self.unanswered_ping = self.unanswered_ping, None
            self.sendPong(payload)
        if not self.is_backed_up:
            self.end_flush()

    def stopProducing(self) -> None:
        pass

    def end_flush(self) -> None:
        """Let those go on who wait until nothing waits to be sent."""
        if self.flush is not None:
            self.flush.set_result(None)
            self.flush = None

    def close(self, code: int, reason: str | None = None) -> None:
        """Close with any registered code (sendClose refuses 1001, 1008, 1012 and 1013), or reject the handshake.

        ``reason`` is a sentence for people, cut at 123 bytes.
        """
        if self.state == self.STATE_CONNECTING:
            self.serverReject()
        else:
            self.sendCloseFrame(code, encode_truncate(reason, MAX_REASON_BYTES) if reason else None)

    def hang_up(self, code: int, reason: str) -> None:
        """Close, and take nothing more from a client that has sent more than enough already.

        What it still sends is thrown away for a moment before our half of the connection ends: nginx, and the kernel,
        answer what comes later with a reset, which overtakes the close frame.
        """
        if self.state != OPEN:
            return
        self.close(code, reason)
        self.is_deaf = True
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
        self.close(TRY_AGAIN_LATER)

    def dropConnection(self, abort: bool = False) -> None:
        if self.backlog and not abort:
            self.transport.write(b"".join(self.backlog))
        super().dropConnection(abort)
