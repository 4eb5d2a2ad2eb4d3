"""Plain HTTP on the port of ws: one request per HTTPChannel; a persistent connection then returns to the handshake.

So each request of a connection goes through the same checks, whether it is the first one or follows others.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.web.http import HTTPChannel


class HttpConnection(HTTPChannel):
    """Twisted's HTTP channel for a single request.

    ``next_request`` is called with the transport and the bytes received after the request, once the response has been
    written to the kernel. Reading is paused until then, so a client that does not read its responses cannot make the
    process buffer more than one.
    """

    transport: Any
    next_request: Callable[[Any, bytes], None]
    # Called when all of the response is written, or the connection is gone.
    response_sent: Callable[[], None] | None = None
    # Whether the kernel takes no more for now.
    is_backed_up = False

    def pauseProducing(self) -> None:
        self.is_backed_up = True
        super().pauseProducing()

    def resumeProducing(self) -> None:
        self.is_backed_up = False
        super().resumeProducing()
        for request in self.requests:
            request.release_senders()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        super().connectionLost(reason)
        self._tell_response_sent()

    def _tell_response_sent(self) -> None:
        if self.response_sent:
            self.response_sent()
            self.response_sent = None

    def setLineMode(self, extra: bytes = b"") -> None:
        """Wait until the response is written. Twisted calls this after each request of a persistent connection."""
        self._rest = extra + self.clearLineBuffer()
        self.transport.pauseProducing()
        self.transport.unregisterProducer()
        _FlushCallback(self.transport, self._response_sent)

    def _response_sent(self) -> None:
        self.setTimeout(None)
        self.transport.unregisterProducer()
        self._tell_response_sent()
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
