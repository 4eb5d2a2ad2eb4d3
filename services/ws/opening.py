"""The opening handshake of a WebSocket, without Twisted's HTTP parser; what is no handshake becomes Daphne's HTTP."""

import re
from http import HTTPStatus
from typing import Any

from daphne.utils import HEADER_NAME_RE

from ws import metrics, settings
from ws.handshakes import MAX_LOGGED_CHARS, log_refusal
from ws.outgoing import Outgoing

# Told to programs; a browser's page comes back after delays of its own.
FULL_SECONDS = 5
# What nginx lets through, and what it adds.
MAX_HEAD_BYTES = (4 * settings.MAX_HEADER_KIB + 32) * 1024
UPGRADE = re.compile(rb"\r\nupgrade:[ \t]*websocket[ \t]*\r\n", re.IGNORECASE)
# A request line in printable ASCII, then headers that Daphne's HTTP side would accept (RFC 9110, section 5).
HEAD = re.compile(
    rb"[A-Z]+ [!-~]+ HTTP/1\.1\r\n(?:%s:[^\x00\r\n\x0b\x0c\x1c\x1d\x1e\x85]*\r\n)+\r\n" % HEADER_NAME_RE.pattern
)


class Opening(Outgoing):
    """Daphne's protocol until the socket is open."""

    request: Any = None
    was_accepted: bool
    openHandshakeTimeoutCall: Any

    def connectionMade(self) -> None:
        self.was_accepted = False
        super().connectionMade()

    def processHandshake(self) -> None:
        head, end, _ = self.data.partition(b"\r\n\r\n")
        head += end
        if self in self.server.handshakes:  # it is not answered yet
            if len(self.data) > MAX_HEAD_BYTES:
                self.dropConnection(abort=True)
            return
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
            self.openHandshakeTimeoutCall.cancel()
            self.openHandshakeTimeoutCall = None
            self.server.handshakes.enter(self)

    def begin_handshake(self) -> None:
        """Ask the application: it is this handshake's turn."""
        self.openHandshakeTimeoutCall = self.factory._batched_timer.call_later(
            self.openHandshakeTimeout, self.onOpenHandshakeTimeout
        )
        target = self.data.split(b" ", 2)[1]
        self._raw_query_string = target.partition(b"?")[2]
        super().processHandshake()

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: list[tuple[str, str]] | None = None) -> None:
        # autobahn itself refuses what is not even an address; to a visitor and in the log it is a foreign origin too.
        if reason.startswith("HTTP Origin header"):
            headers = [(name.encode(), value.encode("latin1")) for name, value in self.http_headers.items()]
            origin = self.http_headers["origin"][:MAX_LOGGED_CHARS]
            log_refusal({"path": self.http_request_path, "headers": headers}, "origin", origin=origin)
            reason, code = "Access denied", 403
        super().failHandshake(reason, code, responseHeaders)

    def onOpenHandshakeTimeout(self) -> None:
        if self.state == self.STATE_CONNECTING:
            metrics.HANDSHAKES.labels("timeout").inc()
        super().onOpenHandshakeTimeout()
        self.server.handshakes.leave(self)

    def check_timeouts(self) -> None:
        """Leave it to the timer above, which drops a handshake; Daphne would answer 403, as if it were not allowed."""

    def _become_http(self) -> None:
        """Hand the connection over to Daphne's HTTP side, as that does for WebSockets."""
        transport, data = self.transport, self.data
        transport.unregisterProducer()
        self.openHandshakeTimeoutCall.cancel()
        self.factory.countConnections -= 1
        protocol = self.server.http_factory.buildProtocol(transport.getPeer())
        transport.protocol = protocol
        protocol.makeConnection(transport)
        protocol.dataReceived(data)

    def accept(self, subprotocol: str | None) -> None:
        """Accept the handshake, unless the client has gone."""
        if self.state == self.STATE_CONNECTING:
            self.serverAccept(subprotocol)

    def serverAccept(self, subprotocol: str | None = None) -> None:
        super().serverAccept(subprotocol)
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
