"""One WebSocket: receives messages, limits what waits, and closes. See handshake.py, and writer.py for sending."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any

import structlog

from channels_live.close_codes import CloseCode
from channels_live.frames import frame, text_frame
from channels_live.observability import metrics
from channels_live.rate_limit import TokenBucket, take_from_all
from channels_live.server.handshake import Handshake
from channels_live.server.slim_state import SlimState, drop_handshake_state

logger = structlog.get_logger(__name__)

# Messages of one client, and their bytes, that wait for the application, attached or not; beyond that its socket is not
# read, and what was read of it is not parsed.
MAX_INBOX, MAX_INBOX_BYTES = 32, 128 * 1024
# Messages of one client that are handled in one iteration of the event loop. A message needs about ten iterations to
# reach its members, so whatever one client adds to an iteration delays every other message ten times.
MAX_MESSAGES_PER_TURN = 2
# Tasks that answer one client, most of them waiting for a commit; its next message waits until there are fewer, so that
# no client fills the queues that all share.
MAX_PENDING_TASKS = 8
# A message may have MAX_FRAGMENTS frames, and one more per BYTES_OF_A_FRAGMENT bytes: parsing a frame costs as much as
# a message.
MAX_FRAGMENTS, BYTES_OF_A_FRAGMENT = 100, 64

Handler = Callable[[dict[str, Any]], Awaitable[None]]


class WebSocketProtocol(SlimState, Handshake):
    """One WebSocket of the server: Daphne's protocol, for many sockets and many writes.

    An application may ``attach`` a handler and return. From then on no task and no queue of the process is the
    socket's: anything may ``write`` to it, and each message is given to the handler as it comes.
    """

    # The options are attributes of the class (see Server), so that no connection copies them.
    CONFIG_ATTRS: tuple[str, ...] = ()

    request_id: str
    handshake_started_at = 0.0
    handler: Handler | None = None
    last_received_at = 0.0
    inbox: deque[dict[str, Any]] | None = None
    inbox_bytes = 0
    is_paused = False
    # Tasks that answer what the client has sent, and a future that is done when there are fewer.
    pending_tasks = 0
    fewer_tasks: asyncio.Future[None] | None = None
    closing_code: int | None = None
    # Pings and pongs, and frames that were refused; made with the first.
    pings: TokenBucket | None = None
    refusals: TokenBucket | None = None
    # What it was opened with; see channels_live.revocation.watcher.
    subjects: tuple[str, ...] = ()

    @property
    def user(self) -> Hashable | None:
        """The key of the socket's user, as given to Admission.claim; None where it was not claimed."""
        return self.server.admission.user_of(self)

    # --- What comes in

    def attach(self, handler: Handler) -> None:
        """Give every further message of the socket to ``handler``, one after the other, the last is the disconnect.

        The messages are ASGI's ``websocket.receive`` and ``websocket.disconnect``. A handshake that is not accepted
        by now is rejected. The application may return.
        """
        if self.state == self.STATE_CONNECTING:
            self.serverReject()
        self.handler = handler
        queue = self.application_queue
        self.server.detach(self)
        if self.is_connected:
            drop_handshake_state(self)
        while not queue.empty():
            self._enqueue(queue.get_nowait())

    async def receive(self) -> dict[str, Any]:
        """Return the next message: ASGI's ``receive``, for applications that do not attach."""
        message: dict[str, Any] = await self.application_queue.get()
        if self.application_queue.empty():
            self.inbox_bytes = 0
            if self.is_paused:
                self._resume_reading()
        return message

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine for the socket in the background; a draining server waits for it."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.pending_tasks += 1
        self.server.tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self.pending_tasks -= 1
        self.server.tasks.discard(task)
        if self.fewer_tasks and not self.fewer_tasks.done() and self.pending_tasks <= MAX_PENDING_TASKS:
            self.fewer_tasks.set_result(None)
        if not self.pending_tasks and self.closing_code is not None:
            self.close(self.closing_code)

    def dataReceived(self, data: bytes) -> None:
        if self.discards_input:
            return
        self.last_received_at = time.monotonic()
        self.data += data
        self.consumeData()

    def processData(self) -> bool:
        return not (self.discards_input or self.is_paused) and bool(super().processData())

    def onMessageBegin(self, isBinary: bool) -> None:
        super().onMessageBegin(isBinary)
        # One buffer: an object for each of 65,536 bytes that come one by one would be 3 MiB.
        self.message_data = [bytearray()]
        self.fragments = 0

    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)
        self.fragments += 1
        if self.fragments > MAX_FRAGMENTS + self.message_data_total_length // BYTES_OF_A_FRAGMENT:
            self.close_discarding_input(CloseCode.MESSAGE_TOO_BIG, "The message has too many fragments.")

    def onMessageFrameData(self, payload: bytes) -> None:
        if not self.failedByMe:
            self.message_data[0] += payload

    def onPing(self, payload: bytes) -> None:
        if self._takes_control_frame():
            super().onPing(payload)

    def onPong(self, payload: bytes) -> None:
        # Unsolicited pongs (RFC 6455, section 5.5.3) count like pings; answers to our pings are far below the limit.
        self._takes_control_frame()

    def _takes_control_frame(self) -> bool:
        self.pings = self.pings or TokenBucket(self.server.ping_limit)
        if take_from_all([self.pings], time.monotonic()):
            self.refuse("ping")
            return False
        return True

    def refuse(self, limit: str) -> None:
        """Count a frame that a limit refused; a client that keeps exceeding limits is closed with 1008.

        ``limit`` is the label under which metrics count it; an app registers its own (``register_limits``).
        """
        metrics.REFUSED.labels(limit).inc()
        self.refusals = self.refusals or TokenBucket(self.server.refusal_limit)
        if take_from_all([self.refusals], time.monotonic()) and self.state == self.STATE_OPEN:
            metrics.ABUSIVE_CLOSED.inc()
            logger.warning("socket closed with 1008, too many rejected frames", limit=limit, request_id=self.request_id)
            if self.inbox:
                self.inbox.clear()
            reason = "Too many rejected frames; see the previous errors."
            self.close_discarding_input(CloseCode.POLICY_VIOLATION, reason)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        # Not acknowledged, so the client sends it again to the next process.
        if self.closing_code is not None or self.state != self.STATE_OPEN:
            return
        metrics.FRAMES_RECEIVED.inc()
        metrics.BYTES_RECEIVED.inc(len(payload))
        if self.handler is None:
            super().onMessage(payload, isBinary)
        elif isBinary:
            self._enqueue({"type": "websocket.receive", "bytes": payload})
        else:
            self._enqueue({"type": "websocket.receive", "text": payload.decode()})
        self.inbox_bytes += len(payload)
        waiting = self.application_queue.qsize() if self.inbox is None else len(self.inbox)
        if waiting >= MAX_INBOX or self.inbox_bytes > MAX_INBOX_BYTES:
            self.is_paused = True
            self.transport.pauseProducing()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.server.handshakes.leave(self)
        self.release_senders()
        if self.closeHandshakeTimeoutCall:
            # autobahn lets it run, and with it keeps the connection.
            self.closeHandshakeTimeoutCall.cancel()
        # autobahn answers any close frame with 1000; that code is not the one that the client closed with.
        code = (self.localCloseCode if self.closedByMe else code) or CloseCode.NO_STATUS.value
        if self.was_accepted:
            metrics.count_close(code)
            logger.debug("socket closed", code=code, request_id=self.request_id)
        if self.handler is not None:
            self.server.protocol_disconnected(self)
            self._enqueue({"type": "websocket.disconnect", "code": code})
        elif self.request is not None:  # the request was complete
            super().onClose(wasClean, code, reason)

    def _enqueue(self, message: dict[str, Any]) -> None:
        if self.inbox is None:
            self.inbox = deque([message])
            self.start(self._dispatch())
        else:
            self.inbox.append(message)

    async def _dispatch(self) -> None:
        assert self.inbox is not None
        assert self.handler
        task = asyncio.current_task()
        has_failed = False
        handled = 0
        while self.inbox:
            try:
                if self.pending_tasks > MAX_PENDING_TASKS:
                    self.fewer_tasks = asyncio.get_running_loop().create_future()
                    await self.fewer_tasks
                    continue  # what was in the inbox may have been thrown away
                message = self.inbox.popleft()
                if not has_failed or message["type"] != "websocket.receive":
                    await self.handler(message)
                handled += 1
                if handled % MAX_MESSAGES_PER_TURN == 0 or (task and task.cancelling()):
                    await asyncio.sleep(0)
            except (Exception, asyncio.CancelledError):
                # A handler may await what it has cancelled, or cancel this task: the disconnect is still to be handled.
                logger.exception("handling a message failed, closing its socket with 1011", request_id=self.request_id)
                self.close(CloseCode.INTERNAL_ERROR)
                has_failed = True
            while task and task.cancelling():
                task.uncancel()
            if self.is_paused and not self.inbox:
                self.inbox_bytes = 0
                self._resume_reading()
        self.inbox = self.fewer_tasks = None
        self.inbox_bytes = 0

    def _resume_reading(self) -> None:
        self.is_paused = False
        # A pong that arrived meanwhile is read only now.
        self.last_received_at = time.monotonic()
        self.transport.resumeProducing()
        self.consumeData()

    # --- The end

    def revoke(self, subjects: frozenset[str]) -> None:
        """Give ``websocket.revoked`` to the handler. Without one, close with 1012: the next handshake is checked again.

        The same where the client reads slowly: the handler may be waiting for that.
        """
        metrics.REVOKED_SOCKETS.inc()
        if self.handler is None or self.is_backed_up:
            self.close(CloseCode.SERVICE_RESTART)
        else:
            self._enqueue({"type": "websocket.revoked", "subjects": subjects})

    def sendCloseFrame(self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False) -> None:
        super().sendCloseFrame(code, reasonUtf8, isReply)
        if self.is_paused:
            # The client's close frame follows the unread messages, which are discarded.
            self.is_paused = False
            self.transport.resumeProducing()
            asyncio.get_running_loop().call_soon(self.consumeData)

    def dropConnection(self, abort: bool = False) -> None:
        if abort and self.state == self.STATE_CLOSED:
            # autobahn ignores this; but unsent data that the client never reads would keep the connection open.
            self.transport.abortConnection()
            return
        super().dropConnection(abort)

    def close_gracefully(self, code: int) -> None:
        """Close once what the client has sent is answered; what it sends from now on is ignored."""
        self.closing_code = code
        if not self.pending_tasks:
            self.close(code)

    def handle_exception(self, exception: Exception) -> None:
        if self.state == self.STATE_CONNECTING:
            metrics.HANDSHAKES.labels("error").inc()
            self.failHandshake("Internal Server Error", 500)
        else:
            self.close(CloseCode.INTERNAL_ERROR)

    def handle_reply(self, message: dict[str, Any]) -> None:
        # Daphne tests for truth, so that an empty message is never sent.
        if message["type"].startswith("websocket.http.response."):
            self.deny(message)
        elif message["type"] == "websocket.accept":
            self.accept(message.get("subprotocol"), message.get("headers", ()))
        elif message["type"] == "websocket.send" and self.state != self.STATE_CONNECTING:
            if self.is_connected:
                text = message.get("text")
                data = text_frame(text) if text is not None else frame(message["bytes"], is_binary=True)
                metrics.count_sent(1, len(data))
                # Server.handle_reply waits until it is sent.
                self.send_soon(data)
        elif message["type"] == "websocket.close" and self.state != self.STATE_CONNECTING:
            self.close(message.get("code") or CloseCode.NORMAL_CLOSURE, message.get("reason"))
        else:
            super().handle_reply(message)
