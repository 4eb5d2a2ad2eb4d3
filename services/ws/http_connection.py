"""The HTTP side of a connection: one request and its answer, after which the connection begins from the start.

So every request is judged alike, the first of a connection and any later one: it may be a handshake, or HTTP.
"""

from collections.abc import Callable
from typing import Any

from daphne.http_protocol import WebRequest
from twisted.web.http import HTTPChannel


class Request(WebRequest):
    """Daphne's request, which is never a handshake: see ws.opening."""

    def process(self) -> Any:
        # Daphne's own way to a WebSocket; a header that is folded comes as far as this.
        self.requestHeaders.removeHeader(b"Upgrade")
        return super().process()

    def handle_exception(self, exception: Exception) -> None:
        # Daphne's raises where the answer has begun, and with that ends what looks after all applications.
        if self._response_started and self.channel is not None:
            self.channel.forceAbortClient()
        else:
            super().handle_exception(exception)


class HttpConnection(HTTPChannel):
    """Twisted's HTTP for one request.

    ``begin_again`` is called with the transport, and with what has come behind the request, as soon as the answer is
    sent. Until then nothing is read: who does not take its answers gets no others.
    """

    transport: Any
    begin_again: Callable[[Any, bytes], None]

    def setLineMode(self, extra: bytes = b"") -> None:
        """Wait until the answer is sent. Twisted calls it behind each request of a connection that is kept."""
        self._rest = extra + self.clearLineBuffer()
        self.transport.pauseProducing()
        self.transport.unregisterProducer()
        _WhenSent(self.transport, self._begin_again)

    def _begin_again(self) -> None:
        self.setTimeout(None)
        self.transport.unregisterProducer()
        self.begin_again(self.transport, self._rest)


class _WhenSent:
    """A pull producer: the transport asks it at once, and again when it has nothing left to send."""

    def __init__(self, transport: Any, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = None
        transport.registerProducer(self, False)
        self._call = call
        # It asks also where everything is sent already.
        transport.startWriting()

    def resumeProducing(self) -> None:
        if self._call:
            self._call()

    def stopProducing(self) -> None:
        pass
