"""One HTTP request that an application answers, such as an event stream that lasts for hours.

For the drain, revocations and the limits it is what a WebSocket is: see channels_live.server.registry.
"""

import asyncio
import logging
import time
from typing import Any

from daphne.http_protocol import WebRequest
from twisted.web import http
from twisted.web.http_headers import Headers

from channels_live.observability import metrics
from channels_live.server.refusals import STATUS_HEADERS
from channels_live.server.unsent import Unsent, unsent

logger = logging.getLogger(__name__)

# An application that has not asked for http.disconnect by then is cancelled; one that has gets Daphne's 10 s.
CANCEL_SECONDS = 1.0
# What an application has for its response where the process stops, unless the response is an event stream.
FINISH_SECONDS = 3.0
# A comment, which EventSource ignores:
# https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes
KEEPALIVE = b":\n\n"
EVENT_ENDS = (b"\n\n", b"\r\r", b"\r\n\r\n")


class Request(WebRequest):
    """Daphne's HTTP request without Daphne's own WebSocket upgrade; upgrades are handled in handshake.py.

    ``send`` waits while the client does not read, and raises ConnectionResetError once the client has gone or the
    server has ended the response.
    """

    # Of the instance as long as its connection is there and the response is not complete; Twisted deletes it.
    channel: Any = None
    STATE_CONNECTING = state = 1
    # No pong is due from it.
    is_paused = True
    # The registry pings a socket that has received nothing for half of PING_INTERVAL. A request receives nothing,
    # so this is the time of the last send; its ping is an SSE comment.
    last_received_at = 0.0
    socket_opened = handshake_started_at = 0.0
    subjects: tuple[str, ...] = ()
    is_refusal_logged = False
    is_event_stream = False
    # The end of what was sent of the body.
    tail = b""
    # Of the application; None for the server's own addresses.
    task: asyncio.Task[Any] | None = None
    knows_its_end = False
    ended_by: str | None = None
    flushed: asyncio.Future[None] | None = None
    stall_timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        # Twisted's has the address with its query string, and Daphne logs it.
        return f"<Request {self.path!r}>"

    def process(self) -> Any:
        # handshake.py does not recognise an Upgrade header in the obsolete folded form (RFC 9112, section 5.2).
        if self.requestHeaders.getRawHeaders(b"Upgrade", [b""])[0].lower() == b"websocket":
            self.requestHeaders.removeHeader(b"Upgrade")
        return super().process()

    # --- The application

    async def serve(self, application: Any, scope: dict[str, Any], send: Any) -> None:
        """Run the application that answers the request."""
        self.task = asyncio.current_task()
        self.socket_opened = time.time()
        self.last_received_at = self.handshake_started_at = time.monotonic()
        self.server.open_request(self)
        try:
            await application(scope, self.receive, send)
        except (OSError, asyncio.CancelledError):
            # What ``send`` raises, or what _cancel_unless_it_knows does.
            if not self.is_cut:
                raise
        if self.ended_by is None:
            logger.error("The application returned without a complete response to %s", scope["path"])
            self._end("error", 500)

    async def receive(self) -> dict[str, Any]:
        """Return the next message: ASGI's ``receive``."""
        message: dict[str, Any] = await self.application_queue.get()
        self.knows_its_end |= message["type"] == "http.disconnect"
        return message

    @property
    def is_cut(self) -> bool:
        """Whether the response has ended before the application has finished it."""
        return self.ended_by not in (None, "finished")

    def handle_reply(self, message: dict[str, Any]) -> None:
        super().handle_reply(message)
        if self.channel is None:
            return
        if message["type"] == "http.response.start":
            self._started(message["status"])
        elif message["type"] == "http.response.body":
            self.last_received_at = time.monotonic()
            self.tail = (self.tail + message.get("body", b"")[-4:])[-4:]

    def _started(self, status: int) -> None:
        if self.task is None or self.ended_by:
            return
        headers = self.responseHeaders
        self.is_event_stream = headers.getRawHeaders(b"content-type", [b""])[0].startswith(
            b"text/event-stream"
        ) and not any(map(headers.hasHeader, (b"content-length", b"content-encoding")))
        if not self.is_refusal_logged:
            metrics.HTTP_REQUESTS.labels("accepted" if status < 400 else "rejected").inc()
        self.server.request_started(self)

    async def sent(self) -> None:
        """Return when the client may be sent more, or when the response has ended."""
        while self.channel is not None and self.channel.is_backed_up and self.ended_by is None:
            if self.flushed is None:
                self.flushed = asyncio.get_running_loop().create_future()
                self._start_stall_timer(unsent(self.channel.transport))
            await asyncio.shield(self.flushed)

    def release_senders(self) -> None:
        """Let the application go on that waits until something is sent."""
        if self.stall_timer is not None:
            self.stall_timer.cancel()
            self.stall_timer = None
        if self.flushed is not None:
            self.flushed.set_result(None)
            self.flushed = None

    def _start_stall_timer(self, left: Unsent | None) -> None:
        loop = asyncio.get_running_loop()
        self.stall_timer = loop.call_later(self.server.stall_seconds, self._abort_unless_progress, left)

    def _abort_unless_progress(self, before: Unsent | None) -> None:
        self.stall_timer = None
        if self.flushed is not None and self.channel is not None:
            if (left := unsent(self.channel.transport)) == before:
                self._abort("slow")
            else:
                self._start_stall_timer(left)

    # --- The end

    def finish(self) -> None:
        channel = self.channel
        self.server.flushing.add(channel)
        channel.response_sent = lambda: self.server.flushing.discard(channel)
        super().finish()
        self._ended("finished")

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)
        self._ended("client")

    def handle_exception(self, exception: Exception) -> None:
        # Daphne raises if the response has been started, which ends Server.application_checker for all connections.
        self._end("error", 500)

    def sendPing(self) -> None:
        """Send a comment where the response is an event stream between two events: proxies end what is silent."""
        if self.is_event_stream and not self.channel.is_backed_up and (not self.tail or self.tail.endswith(EVENT_ENDS)):
            self.last_received_at = time.monotonic()
            http.Request.write(self, KEEPALIVE)

    def unsent(self) -> Unsent | None:
        """Return what the other side has not received yet; None where it has all of it."""
        return unsent(self.channel.transport) if self.channel else None

    def acknowledged(self) -> int | None:
        """Return None: no pong is waited for."""

    def close_gracefully(self, code: int) -> None:
        """End an event stream; where the process stops, let other responses be finished for FINISH_SECONDS."""
        if self.is_event_stream:
            self._end("drain" if self.server.drain else "age", 503)
        elif self.server.drain:
            asyncio.get_running_loop().call_later(FINISH_SECONDS, self.close, code)

    def close(self, code: int) -> None:
        """End the response: with 503 where it has not begun, so that the proxy asks another process."""
        self._end("drain", 503)

    def revoke(self, subjects: frozenset[str]) -> None:
        """End the response: the credential of the next request is checked again."""
        metrics.REVOKED_SOCKETS.inc()
        self._end("revoked", 401)

    def dropConnection(self, abort: bool = False) -> None:
        """End the TCP connection."""
        self._abort("drain")

    def _end(self, reason: str, status: int) -> None:
        """End the response: by this status where it has not begun, else complete, unless it would be truncated.

        An event stream may end after any event. Any other body that was begun would pass for a whole one.
        """
        if self.ended_by is not None or self.channel is None:
            return
        is_empty = not self.sentLength and not self.responseHeaders.hasHeader(b"content-length")
        if not self.startedWriting:
            self._ended(reason)
            self._respond(status)
        elif reason != "error" and (self.is_event_stream or is_empty):
            self._ended(reason)
            self.finish()
        else:
            self._abort(reason)

    def _respond(self, status: int) -> None:
        self._response_started = False
        self.responseHeaders = Headers()
        headers = [*STATUS_HEADERS.get(status, ()), (b"Content-Length", b"0")]
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": b""})

    def _abort(self, reason: str) -> None:
        self._ended(reason)
        if self.channel is not None:
            self.channel.forceAbortClient()

    def _ended(self, reason: str) -> None:
        if self.ended_by is not None:
            return
        self.ended_by, self.state = reason, 0
        self.release_senders()
        if self.task is None:
            return
        metrics.HTTP_CLOSES.labels(reason).inc()
        self.server.close_request(self)
        if self.is_cut and not self.task.done():
            asyncio.get_running_loop().call_later(CANCEL_SECONDS, self._cancel_unless_it_knows)

    def _cancel_unless_it_knows(self) -> None:
        # Channels' AsyncHttpConsumer does not receive while its ``handle`` runs.
        assert self.task
        if not self.knows_its_end and not self.task.done():
            self.task.cancel()
