"""The opening handshake of a WebSocket, without Twisted's HTTP parser; what is no handshake becomes Daphne's HTTP.

A connection that is kept after an answer over HTTP comes back here for its next request.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from daphne.utils import HEADER_NAME_RE

from ws import metrics
from ws.handshakes import MAX_LOGGED_CHARS, log_refusal
from ws.http_connection import Request
from ws.outgoing import Outgoing

# Told to programs; a browser's page comes back after delays of its own.
FULL_SECONDS = 5
# What nginx lets through, and more.
MAX_HEAD_BYTES = 64 * 1024
# A list, of which we take what we know (RFC 9110, section 7.8).
UPGRADE = re.compile(rb"\r\nupgrade:(?:[^\r\n]*,)?[ \t]*websocket[ \t]*(?:,[^\r\n]*)?\r\n", re.IGNORECASE)
READ_BY_DAPHNE = ("sec-websocket-protocol", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto")
# Headers of an answer that say where it ends.
FRAMING = {"connection", "content-length", "keep-alive", "transfer-encoding"}
# A request line in printable ASCII, then headers that Daphne's HTTP side would accept (RFC 9110, section 5).
HEAD = re.compile(
    rb"[A-Z]+ [!-~]+ HTTP/1\.1\r\n(?:%s:[^\x00\r\n\x0b\x0c\x1c\x1d\x1e\x85]*\r\n)+\r\n" % HEADER_NAME_RE.pattern
)


class Opening(Outgoing):
    """Daphne's protocol until the socket is open."""

    data: bytes
    request: Any = None
    was_accepted: bool
    openHandshakeTimeoutCall: Any
    is_paused: bool
    websocket_protocols: list[str]
    # It was kept after an answer over HTTP, and nothing has come since.
    is_kept = False
    # It is not read until its handshake is answered.
    is_held = False

    def connectionMade(self) -> None:
        self.was_accepted = False
        super().connectionMade()

    def processHandshake(self) -> None:
        if self in self.server.handshakes:  # it is not answered yet
            # A client waits for the answer (RFC 6455, section 4.1). What it sends before waits with it.
            self.is_held = True
            self.transport.pauseProducing()
            return
        if self.is_kept:
            self.is_kept = False
            self._limit_time(self.openHandshakeTimeout, self.onOpenHandshakeTimeout)
        # RFC 9112, section 2.2: some clients end a body with an empty line that does not belong to it.
        self.data = self.data.removeprefix(b"\r\n")
        head, end, _ = self.data.partition(b"\r\n\r\n")
        head += end
        if len(head) > MAX_HEAD_BYTES:
            self.failHandshake("Request Header Fields Too Large", 431)
        elif not end:
            return
        elif not UPGRADE.search(head):
            self._become_http()
        elif not HEAD.fullmatch(head):
            self.failHandshake("Bad Request", 400)
        elif self.server.is_full:
            metrics.HANDSHAKES.labels("overloaded").inc()
            self.failHandshake("Service Unavailable", 503, [("Retry-After", str(FULL_SECONDS))])
        else:
            # It runs again from the handshake's turn on.
            self._end_limit()
            self.server.handshakes.enter(self)

    def begin_handshake(self) -> None:
        """Ask the application: it is this handshake's turn."""
        self._limit_time(self.openHandshakeTimeout, self.onOpenHandshakeTimeout)
        target = self.data.split(b" ", 2)[1]
        self._raw_query_string = target.partition(b"?")[2]
        super().processHandshake()

    def onConnect(self, request: Any) -> Any:
        # Of what is no ASCII there Daphne would log an exception, and answer 500.
        if not all(request.headers.get(name, "").isascii() for name in READ_BY_DAPHNE):
            raise ConnectionDeny(ConnectionDeny.BAD_REQUEST, "Bad Request")
        return super().onConnect(request)

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: list[tuple[str, str]] | None = None) -> None:
        # autobahn itself refuses what is not even an address; to a visitor and in the log it is a foreign origin too.
        if reason.startswith("HTTP Origin header"):
            headers = [(name.encode(), value.encode("latin1")) for name, value in self.http_headers.items()]
            origin = self.http_headers["origin"][:MAX_LOGGED_CHARS]
            log_refusal({"path": self.http_request_path, "headers": headers}, "origin", origin=origin)
            reason, code = "Access denied", 403
        super().failHandshake(reason, code, responseHeaders)

    def sendHttpErrorResponse(
        self, code: int, reason: str, responseHeaders: list[tuple[str, str]] | None = None
    ) -> None:
        # Without a length, only the end of the connection ends the answer. What an application says of a body goes: it
        # has none here.
        headers = [(name, value) for name, value in responseHeaders or () if name.lower() not in FRAMING]
        headers += [("Content-Length", "0"), ("Connection", "close")]
        super().sendHttpErrorResponse(code, reason, headers)

    def onOpenHandshakeTimeout(self) -> None:
        if self.openHandshakeTimeoutCall is None:
            return  # txaio calls in portions, and what was cancelled between two of them all the same
        if self.state == self.STATE_CONNECTING:
            metrics.HANDSHAKES.labels("timeout").inc()
        super().onOpenHandshakeTimeout()
        self.server.handshakes.leave(self)

    def check_timeouts(self) -> None:
        """Leave it to the timer above, which drops a handshake; Daphne would answer 403, as if it were not allowed."""

    def _become_http(self) -> None:
        """Pass the connection to Daphne's HTTP side for one request."""
        transport, data = self.transport, self.data
        transport.unregisterProducer()
        self._end_limit()
        self.factory.countConnections -= 1
        protocol = self.server.http_factory.buildProtocol(transport.getPeer())
        protocol.requestFactory = Request
        protocol.begin_again = self.server.begin_again
        transport.protocol = protocol
        protocol.makeConnection(transport)
        protocol.dataReceived(data)

    def keep(self, transport: Any, data: bytes) -> None:
        """Take a connection whose last request is answered; ``data`` is what has come behind that request."""
        transport.protocol = self
        self.makeConnection(transport)
        self.is_kept = True
        self._limit_time(self.server.http_factory.timeOut, self._end_kept)
        transport.resumeProducing()
        if data:
            self.dataReceived(data)

    def _end_kept(self) -> None:
        self.openHandshakeTimeoutCall = None
        self.wasClean = True
        self.dropConnection()

    def _limit_time(self, seconds: float, call: Callable[[], None]) -> None:
        self._end_limit()
        self.openHandshakeTimeoutCall = self.factory._batched_timer.call_later(seconds, call)

    def _end_limit(self) -> None:
        if self.openHandshakeTimeoutCall:
            self.openHandshakeTimeoutCall.cancel()
            self.openHandshakeTimeoutCall = None

    def accept(self, subprotocol: str | None) -> None:
        """Accept the handshake, unless the client has gone."""
        if self.state == self.STATE_CONNECTING:
            self.serverAccept(subprotocol)

    def serverAccept(self, subprotocol: str | None = None) -> None:
        if subprotocol is not None and subprotocol not in self.websocket_protocols:
            # autobahn would raise where nobody hears of it, and leave the client waiting.
            raise ValueError(f"The client has not offered the subprotocol {subprotocol!r}.")
        super().serverAccept(subprotocol)
        if self.is_held:
            self.is_held = False
            if not self.is_paused:
                self.transport.resumeProducing()
        self.server.handshakes.leave(self)
        self.was_accepted = True
        if self.is_connected:
            self.server.opened(self)
        metrics.HANDSHAKES.labels("accepted").inc()

    def deny(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Answer the handshake with another status than 101, as ASGI's extension ``websocket.http.response``."""
        if self.state == self.STATE_CONNECTING:
            names = [(name.decode(), value.decode()) for name, value in headers]
            self.failHandshake(HTTPStatus(status).phrase, status, names)
            self.server.protocol_disconnected(self)
