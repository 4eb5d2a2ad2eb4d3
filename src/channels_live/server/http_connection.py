"""Plain HTTP on the port of ws: one request per HTTPChannel; a persistent connection then returns to the handshake.

So each request of a connection goes through the same checks, whether it is the first one or follows others.
"""

from collections.abc import Callable
from typing import Any

from daphne.http_protocol import WebRequest
from twisted.web.http import HTTPChannel


class Request(WebRequest):
    """Daphne's HTTP request without Daphne's own WebSocket upgrade; upgrades are handled in handshake.py."""

    def process(self) -> Any:
        # handshake.py does not recognise an Upgrade header in the obsolete folded form (RFC 9112, section 5.2).
        if self.requestHeaders.getRawHeaders(b"Upgrade", [b""])[0].lower() == b"websocket":
            self.requestHeaders.removeHeader(b"Upgrade")
        return super().process()

    def handle_exception(self, exception: Exception) -> None:
        # Daphne raises if the response has been started, which ends Server.application_checker for all connections.
        if self.startedWriting and self.channel is not None:
            self.channel.forceAbortClient()
        else:
            self._response_started = False
            super().handle_exception(exception)


class HttpConnection(HTTPChannel):
    """Twisted's HTTP channel for a single request.

    ``next_request`` is called with the transport and the bytes received after the request, once the response has been
    written to the kernel. Reading is paused until then, so a client that does not read its responses cannot make the
    process buffer more than one.
    """

    transport: Any
    next_request: Callable[[Any, bytes], None]

    def setLineMode(self, extra: bytes = b"") -> None:
        """Wait until the response is written. Twisted calls this after each request of a persistent connection."""
        self._rest = extra + self.clearLineBuffer()
        self.transport.pauseProducing()
        self.transport.unregisterProducer()
        _FlushCallback(self.transport, self._response_sent)

    def _response_sent(self) -> None:
        self.setTimeout(None)
        self.transport.unregisterProducer()
        self.next_request(self.transport, self._rest)


class _FlushCallback:
    """Calls back once the transport has written everything: a pull producer (twisted.internet.interfaces)."""

    def __init__(self, transport: Any, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = None
        transport.registerProducer(self, False)  # calls resumeProducing immediately
        self._call = call
        # Also calls resumeProducing if the write buffer is empty already.
        transport.startWriting()

    def resumeProducing(self) -> None:
        if self._call:
            self._call()

    def stopProducing(self) -> None:
        pass
