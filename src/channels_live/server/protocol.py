"""One WebSocket: what comes in, and its end. Its handshake is in handshake.py, what it sends in writer.py."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any

import structlog

from channels_live.frames import frame, text_frame
from channels_live.observability import metrics
from channels_live.rate_limit import TokenBucket, take_from_all
from channels_live.server.handshake import Opening
from channels_live.server.registry import SERVICE_RESTART
from channels_live.server.slim_state import OpenConnection, drop_handshake_state

logger = structlog.get_logger(__name__)

NORMAL, NO_STATUS, POLICY_VIOLATION, TOO_BIG, INTERNAL_ERROR = 1000, 1005, 1008, 1009, 1011
# Messages of one client, and their bytes, that wait for the application, attached or not; beyond that its socket is not
# read, and what was read of it is not parsed.
MAX_INBOX, MAX_INBOX_BYTES = 32, 128 * 1024
# Messages of one client that are handled in one turn of the event loop. Any message takes about ten turns to its
# members, so what one client takes of a turn, everyone else waits for ten times.
MAX_TURN = 2
# Answers to one client that are on their way, most of them commits; its next message waits until there are fewer, so
# that no client fills the queues that all share.
MAX_WORK = 8
# Frames that one message may have, and one more for each so many bytes of it: each costs what a message costs.
MAX_FRAGMENTS, BYTES_OF_A_FRAGMENT = 100, 64

Handler = Callable[[dict[str, Any]], Awaitable[None]]


class WebSocketProtocol(OpenConnection, Opening):
    """Daphne's protocol, for many sockets and many writes.

    An application may take the socket over with ``attach`` and return. From then on nothing waits in the process
    for the socket: it is written to by whoever has something, and its messages are handed over as they come.
    """

    # The options are attributes of the class (see Server), so that no connection copies them.
    CONFIG_ATTRS: tuple[str, ...] = ()

    request_id: str
    asked_at = 0.0
    handler: Handler | None = None
    heard = 0.0
    inbox: deque[dict[str, Any]] | None = None
    inbox_bytes = 0
    is_paused = False
    # Answers to what the client has sent that are on their way, and who waits until there are fewer.
    work = 0
    less_work: asyncio.Future[None] | None = None
    leaving: int | None = None
    # Pings and pongs, and frames that were refused; made with the first.
    pings: TokenBucket | None = None
    refusals: TokenBucket | None = None
    # What it was opened with; see channels_live.revocation.watcher.
    subjects: tuple[str, ...] = ()

    @property
    def user(self) -> Hashable | None:
        """What tells whose socket it is from others; see channels_live.server.capacity."""
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
        self.server.adopt(self)
        if self.is_connected:
            drop_handshake_state(self)
        while not queue.empty():
            self._take(queue.get_nowait())

    async def receive(self) -> dict[str, Any]:
        """Return the next message: ASGI's ``receive``, for applications that do not attach."""
        message: dict[str, Any] = await self.application_queue.get()
        if self.application_queue.empty():
            self.inbox_bytes = 0
            if self.is_paused:
                self._read_on()
        return message

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine for the socket in the background; a server that stops waits for it."""
        self.work += 1
        self.server.start(coroutine).add_done_callback(self._work_done)

    def _work_done(self, _: asyncio.Task[None]) -> None:
        self.work -= 1
        if self.less_work and self.work <= MAX_WORK:
            self.less_work.set_result(None)
            self.less_work = None
        if not self.work and self.leaving is not None:
            self.close(self.leaving)

    def dataReceived(self, data: bytes) -> None:
        if self.is_deaf:
            return
        self.heard = time.monotonic()
        self.data += data
        self.consumeData()

    def processData(self) -> bool:
        return not (self.is_deaf or self.is_paused) and bool(super().processData())

    def onMessageBegin(self, isBinary: bool) -> None:
        super().onMessageBegin(isBinary)
        # One buffer: an object for each of 65,536 bytes that come one by one would be 3 MiB.
        self.message_data = [bytearray()]
        self.fragments = 0

    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)
        self.fragments += 1
        if self.fragments > MAX_FRAGMENTS + self.message_data_total_length // BYTES_OF_A_FRAGMENT:
            self.hang_up(TOO_BIG, "The message has too many fragments.")

    def onMessageFrameData(self, payload: bytes) -> None:
        if not self.failedByMe:
            self.message_data[0] += payload

    def onPing(self, payload: bytes) -> None:
        if self._takes_control_frame():
            super().onPing(payload)

    def onPong(self, payload: bytes) -> None:
        # Hardly any are answers; those that are come seldom.
        self._takes_control_frame()

    def _takes_control_frame(self) -> bool:
        self.pings = self.pings or TokenBucket(self.server.ping_limit)
        if take_from_all([self.pings], time.monotonic()):
            self.refuse("ping")
            return False
        return True

    def refuse(self, limit: str) -> None:
        """Count a frame that one of metrics.LIMITS refused. A client that goes on and on is closed with 1008."""
        metrics.REFUSED.labels(limit).inc()
        self.refusals = self.refusals or TokenBucket(self.server.refusal_limit)
        if take_from_all([self.refusals], time.monotonic()) and self.state == self.STATE_OPEN:
            metrics.ABUSIVE_CLOSED.inc()
            logger.warning("socket closed, it kept exceeding a limit", limit=limit, request_id=self.request_id)
            if self.inbox:
                self.inbox.clear()
            self.hang_up(POLICY_VIOLATION, "Too many frames were refused; see the errors before.")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        # Not acknowledged, so the client sends it again where it goes.
        if self.leaving is not None or self.state != self.STATE_OPEN:
            return
        metrics.FRAMES_RECEIVED.inc()
        metrics.BYTES_RECEIVED.inc(len(payload))
        if self.handler is None:
            super().onMessage(payload, isBinary)
        elif isBinary:
            self._take({"type": "websocket.receive", "bytes": payload})
        else:
            self._take({"type": "websocket.receive", "text": payload.decode()})
        self.inbox_bytes += len(payload)
        waiting = self.application_queue.qsize() if self.inbox is None else len(self.inbox)
        if waiting >= MAX_INBOX or self.inbox_bytes > MAX_INBOX_BYTES:
            self.is_paused = True
            self.transport.pauseProducing()

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.server.handshakes.leave(self)
        self.end_step()
        if self.closeHandshakeTimeoutCall:
            # autobahn lets it run, and with it keeps the connection.
            self.closeHandshakeTimeoutCall.cancel()
        # autobahn answers any close frame with 1000; that code is not the one that the client closed with.
        code = (self.localCloseCode if self.closedByMe else code) or NO_STATUS
        if self.was_accepted:
            metrics.count_close(code)
            logger.debug("socket closed", code=code, request_id=self.request_id)
        if self.handler is not None:
            self.server.protocol_disconnected(self)
            self._take({"type": "websocket.disconnect", "code": code})
        elif self.request is not None:  # it has said more than hello
            super().onClose(wasClean, code, reason)

    def _take(self, message: dict[str, Any]) -> None:
        if self.inbox is None:
            self.inbox = deque([message])
            self.start(self._hand_over())
            return
        self.inbox.append(message)

    async def _hand_over(self) -> None:
        assert self.inbox is not None
        assert self.handler
        has_failed = False
        handled = 0
        while self.inbox:
            if self.work > MAX_WORK:
                self.less_work = asyncio.get_running_loop().create_future()
                await self.less_work
                continue  # what was in the inbox may have been thrown away
            message = self.inbox.popleft()
            try:
                if not has_failed or message["type"] != "websocket.receive":
                    await self.handler(message)
            except Exception:
                logger.exception("a message could not be handled", request_id=self.request_id)
                self.close(INTERNAL_ERROR)
                has_failed = True
            handled += 1
            if handled % MAX_TURN == 0:
                await asyncio.sleep(0)
            if self.is_paused and not self.inbox:
                self.inbox_bytes = 0
                self._read_on()
        self.inbox = None
        self.inbox_bytes = 0

    def _read_on(self) -> None:
        self.is_paused = False
        # A pong that arrived meanwhile is read only now.
        self.heard = time.monotonic()
        self.transport.resumeProducing()
        self.consumeData()

    # --- The end

    def revoke(self, subjects: frozenset[str]) -> None:
        """Hand ``websocket.revoked`` to who attached; any other comes again, and its handshake is judged anew.

        So does one whose client reads slowly: its handler may wait for that.
        """
        metrics.REVOKED_SOCKETS.inc()
        if self.handler is None or self.is_backed_up:
            self.close(SERVICE_RESTART)
        else:
            self._take({"type": "websocket.revoked", "subjects": subjects})

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

    def close_after_work(self, code: int) -> None:
        """Close once what the client has sent is answered; take nothing more from it."""
        self.leaving = code
        if not self.work:
            self.close(code)

    def handle_exception(self, exception: Exception) -> None:
        if self.state == self.STATE_CONNECTING:
            metrics.HANDSHAKES.labels("error").inc()
            self.failHandshake("Internal Server Error", 500)
        else:
            self.close(INTERNAL_ERROR)

    def handle_reply(self, message: dict[str, Any]) -> None:
        # Daphne tests for truth, so that an empty message is never sent.
        if message["type"] == "websocket.http.response.start":
            self.deny(message["status"], message["headers"])
        elif message["type"] == "websocket.http.response.body":
            pass  # autobahn sends none
        elif message["type"] == "websocket.send" and self.state != self.STATE_CONNECTING:
            if self.is_connected:
                text = message.get("text")
                data = text_frame(text) if text is not None else frame(message["bytes"], is_binary=True)
                metrics.count_sent(1, len(data))
                # Server.handle_reply waits until it is sent.
                self.sendData(data)
        elif message["type"] == "websocket.close" and self.state != self.STATE_CONNECTING:
            self.close(message.get("code") or NORMAL, message.get("reason"))
        else:
            super().handle_reply(message)
