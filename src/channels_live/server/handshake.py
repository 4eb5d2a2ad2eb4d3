"""The opening handshake of a WebSocket, without Twisted's HTTP parser; any other request becomes Daphne's HTTP.

A persistent connection returns here after each HTTP response (see channels_live.server.http_connection).
"""

import re
from collections.abc import Callable, Iterable
from http.client import responses
from typing import Any

from autobahn.websocket.types import ConnectionDeny
from daphne.utils import HEADER_NAME_RE

from channels_live.observability import metrics
from channels_live.server.http_request import Request
from channels_live.server.refusals import MAX_LOGGED_CHARS, log_refusal
from channels_live.server.response_headers import text_headers
from channels_live.server.writer import Writer

# For programs; a browser's page reconnects after delays of its own.
RETRY_AFTER_SECONDS = 5
# Upgrade is a list of which the server picks one (RFC 9110, section 7.8).
UPGRADE = re.compile(rb"\r\nupgrade:(?:[^\r\n]*,)?[ \t]*websocket[ \t]*(?:,[^\r\n]*)?\r\n", re.IGNORECASE)
# Decoded as ASCII or UTF-8 by Daphne.
ASCII_HEADERS = ("sec-websocket-protocol", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto")
# Response headers that determine the message framing.
FRAMING_HEADERS = {"connection", "content-length", "keep-alive", "transfer-encoding"}
# And those that answer the handshake (RFC 6455, section 4.2.2); the subprotocol is an argument of its own.
ACCEPT_HEADERS = FRAMING_HEADERS | {
    *("upgrade", "sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-protocol", "sec-websocket-version"),
}
# A request line in printable ASCII, then headers that Daphne's HTTP side would accept (RFC 9110, section 5).
HEAD = re.compile(
    rb"[A-Z]+ [!-~]+ HTTP/1\.1\r\n(?:%s:[^\x00\r\n\x0b\x0c\x1c\x1d\x1e\x85]*\r\n)+\r\n" % HEADER_NAME_RE.pattern
)


class Handshake(Writer):
    """Daphne's protocol until the socket is open (RFC 6455, section 4.2)."""

    data: bytes
    request: Any = None
    was_accepted: bool
    openHandshakeTimeoutCall: Any
    is_paused: bool
    websocket_protocols: list[str]
    # A persistent connection between two requests.
    is_keepalive_idle = False
    # Reading is paused because data arrived before the response to the handshake.
    is_early_data_paused = False
    # See channels_live.server.refusals.
    is_refusal_logged = False
    # Of a handshake that the application answers with a response of its own.
    denial: tuple[int, list[tuple[str, str]]] | None = None
    denial_body = b""

    def connectionMade(self) -> None:
        self.was_accepted = False
        super().connectionMade()

    def processHandshake(self) -> None:
        if self in self.server.handshakes:  # it is not answered yet
            # Clients must not send before the response (RFC 6455, section 4.1); early data is parsed after it.
            self.is_early_data_paused = True
            self.transport.pauseProducing()
            return
        if self.is_keepalive_idle:
            self.is_keepalive_idle = False
            self._start_timeout(self.openHandshakeTimeout, self.onOpenHandshakeTimeout)
        # Some clients send an extra CRLF after a request body (RFC 9112, section 2.2).
        self.data = self.data.removeprefix(b"\r\n")
        head, end, _ = self.data.partition(b"\r\n\r\n")
        head += end
        if len(head) > self.server.max_head_bytes:
            self.failHandshake("Request Header Fields Too Large", 431)
        elif not end:
            return
        elif not UPGRADE.search(head):
            self._become_http()
        elif not HEAD.fullmatch(head):
            self.failHandshake("Bad Request", 400)
        elif self.server.is_full:
            log_refusal(_scope(head), "overloaded")
            self.failHandshake("Service Unavailable", 503, [("Retry-After", str(RETRY_AFTER_SECONDS))])
        else:
            # It is started again when it is the handshake's turn.
            self._cancel_timeout()
            self.server.handshakes.enter(self)

    def begin_handshake(self) -> None:
        """Ask the application; called by HandshakeQueue when it is this handshake's turn."""
        self._start_timeout(self.openHandshakeTimeout, self.onOpenHandshakeTimeout)
        target = self.data.split(b" ", 2)[1]
        self._raw_query_string = target.partition(b"?")[2]
        super().processHandshake()

    def onConnect(self, request: Any) -> Any:
        # Daphne logs a traceback and responds with 500 if it cannot decode these headers.
        for name in ASCII_HEADERS:
            if not request.headers.get(name, "").isascii():
                raise ConnectionDeny(ConnectionDeny.BAD_REQUEST, "Bad Request")
        return super().onConnect(request)

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: list[tuple[str, str]] | None = None) -> None:
        # autobahn itself refuses an origin that is no URL; clients and the log are told of it as of any foreign origin.
        if reason.startswith("HTTP Origin header"):
            headers = [(name.encode(), value.encode("latin1")) for name, value in self.http_headers.items()]
            origin = self.http_headers["origin"][:MAX_LOGGED_CHARS]
            log_refusal({"path": self.http_request_path, "headers": headers}, "origin", origin=origin)
            reason, code = "Access denied", 403
        super().failHandshake(reason, code, responseHeaders)

    def sendHttpErrorResponse(
        self, code: int, reason: str, responseHeaders: list[tuple[str, str]] | None = None
    ) -> None:
        # The connection is closed after a refused handshake. The body is sent in one piece: headers of the application
        # that describe its framing are dropped.
        headers = [(name, value) for name, value in responseHeaders or () if name.lower() not in FRAMING_HEADERS]
        headers += [("Content-Length", str(len(self.denial_body))), ("Connection", "close")]
        super().sendHttpErrorResponse(code, reason, headers)
        if self.denial_body:
            self.sendData(self.denial_body)

    def onOpenHandshakeTimeout(self) -> None:
        if self.openHandshakeTimeoutCall is None:
            return  # txaio runs timers in chunks, and still calls those cancelled between two chunks
        if self.state == self.STATE_CONNECTING and self in self.server.handshakes:
            log_refusal(_scope(self.http_request_data), "timeout")
        elif self.state == self.STATE_CONNECTING:
            # It never sent a whole request, as a port scanner does.
            metrics.HANDSHAKES.labels("timeout").inc()
        super().onOpenHandshakeTimeout()
        self.server.handshakes.leave(self)

    def check_timeouts(self) -> None:
        """Leave it to the timer above, which drops a handshake; Daphne would answer 403, as if it were not allowed."""

    def _become_http(self) -> None:
        """Switch the connection to an HTTP channel for one request."""
        transport, data = self.transport, self.data
        transport.unregisterProducer()
        self._cancel_timeout()
        self.factory.countConnections -= 1
        protocol = self.server.http_factory.buildProtocol(transport.getPeer())
        protocol.requestFactory = Request
        protocol.next_request = self.server.next_request
        transport.protocol = protocol
        protocol.makeConnection(transport)
        protocol.dataReceived(data)

    def reuse(self, transport: Any, data: bytes) -> None:
        """Wait for the next request of a persistent connection; ``data`` are bytes of it that were received already."""
        transport.protocol = self
        self.makeConnection(transport)
        self.is_keepalive_idle = True
        self._start_timeout(self.server.http_factory.timeOut, self._close_idle)
        transport.resumeProducing()
        if data:
            self.dataReceived(data)

    def _close_idle(self) -> None:
        self.openHandshakeTimeoutCall = None
        self.wasClean = True
        self.dropConnection()

    def _start_timeout(self, seconds: float, call: Callable[[], None]) -> None:
        self._cancel_timeout()
        self.openHandshakeTimeoutCall = self.factory._batched_timer.call_later(seconds, call)

    def _cancel_timeout(self) -> None:
        if self.openHandshakeTimeoutCall:
            self.openHandshakeTimeoutCall.cancel()
            self.openHandshakeTimeoutCall = None

    def accept(self, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Accept the handshake, unless the client has gone; ``headers`` are added to the response.

        Raises ValueError for a subprotocol that the client did not offer, and for headers that are not valid, or that
        are the server's.
        """
        if self.state == self.STATE_CONNECTING:
            self.serverAccept(subprotocol, headers)

    def serverAccept(self, subprotocol: str | None = None, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        if subprotocol is not None and subprotocol not in self.websocket_protocols:
            # autobahn raises inside a Deferred, where the application does not see it and the client waits in vain.
            raise ValueError(f"The client did not offer the subprotocol {subprotocol!r}.")
        given: dict[str, list[str]] = {}
        for name, value in text_headers(headers, reserved=ACCEPT_HEADERS):
            given.setdefault(name, []).append(value)
        # Daphne passes on what autobahn's onConnect returns: a subprotocol, or that and headers.
        super().serverAccept((subprotocol, given) if given else subprotocol)
        if self.is_early_data_paused:
            self.is_early_data_paused = False
            if not self.is_paused:
                self.transport.resumeProducing()
        self.server.handshakes.leave(self)
        self.was_accepted = True
        if self.is_connected:
            self.server.register(self)
        metrics.HANDSHAKES.labels("accepted").inc()

    def serverReject(self) -> None:
        # The middleware that rejects it may have logged why already.
        if not self.is_refusal_logged:
            log_refusal(_scope(self.http_request_data), "rejected")
        super().serverReject()

    def deny(self, message: dict[str, Any]) -> None:
        """Answer the handshake with an HTTP response, by a message of ASGI's extension ``websocket.http.response``.

        The response is sent when its body is complete. Raises ValueError for a message out of order, for a status that
        is none of a final response, and for headers that are not valid.
        """
        if self.state != self.STATE_CONNECTING:
            return
        if message["type"] == "websocket.http.response.start":
            if self.denial or not 200 <= message["status"] <= 599:
                raise ValueError("Expected one response to the handshake, with a status from 200 to 599.")
            self.denial = message["status"], text_headers(message.get("headers", ()))
            return
        if self.denial is None:
            raise ValueError("The body of a response comes after its start.")
        self.denial_body += message.get("body", b"")
        if not message.get("more_body", False):
            status, headers = self.denial
            # The middleware that denies it may have logged why already.
            if not self.is_refusal_logged:
                log_refusal(_scope(self.http_request_data), "rejected", status=status)
            self.failHandshake(responses.get(status, ""), status, headers)
            self.server.protocol_disconnected(self)


def _scope(head: bytes) -> dict[str, Any]:
    """Return what log_refusal needs of a request that matches HEAD."""
    request, *lines = head.partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = (line.partition(b":") for line in lines)
    headers = [(name.strip().lower(), value.strip()) for name, _, value in names]
    return {"path": request.split(b" ")[1].partition(b"?")[0].decode("latin1"), "headers": headers}
