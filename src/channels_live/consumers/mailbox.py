"""The messages of one consumer: those of its socket and those of its channel are handled one at a time, in order."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

import structlog
from channels.exceptions import StopConsumer

from channels_live.close_codes import CloseCode
from channels_live.consumers import context
from channels_live.consumers.metrics import OVERLOADED_CLOSED
from channels_live.consumers.waiting_handler import LOOK_SECONDS, WaitingHandler

if TYPE_CHECKING:
    from channels_live.consumers.base import LiveConsumer
    from channels_live.consumers.deliveries import Deliveries
    from channels_live.server.protocol import WebSocketProtocol

logger = structlog.get_logger(__name__)

# Events that wait while a handler of the consumer runs, and their bytes.
MAX_WAITING, MAX_WAITING_BYTES = 1000, 1024 * 1024
# As it came from Redis, or of a layer without open_channel.
Event = bytes | dict[str, Any]


class Mailbox:
    """Queues the messages of one consumer, of its socket and of its channel, and calls its handlers one at a time.

    Its handlers run in a context of its own, which lasts as long as the consumer: a language that ``connect`` activates
    holds in all of them, and in no other consumer's.
    """

    __slots__ = (
        "_waiting",
        "_waiting_bytes",
        "_waiting_handler",
        "answered",
        "channel",
        "consumer",
        "context",
        "deliveries",
        "ended",
        "groups",
        "has_ended",
        "has_stopped",
        "is_attached",
        "is_busy",
        "may_write",
        "receiver",
        "send",
        "socket",
        "unawaited_bytes",
    )

    def __init__(
        self, consumer: "LiveConsumer", deliveries: "Deliveries", socket: "WebSocketProtocol | None", send: Any
    ) -> None:
        self.consumer = consumer
        self.deliveries = deliveries
        # None under another server than ours.
        self.socket = socket
        # ASGI's ``send``; None where the consumer writes to the socket itself.
        self.send = send
        # Messages of the socket come straight from it, and the application has nothing to do.
        self.is_attached = False
        # Done when the consumer has ended, where its application waits for that.
        self.ended: asyncio.Future[None] | None = None
        self.context: Context = copy_context()
        self.channel: str | None = None
        self.groups: tuple[str, ...] = ()
        # The task that receives from a layer without open_channel.
        self.receiver: asyncio.Task[None] | None = None
        # A handler runs, or has been promised to run next.
        self.is_busy = False
        # No event is handled any more: the consumer has ended, or a handler has failed.
        self.has_stopped = False
        # A handler has raised StopConsumer.
        self.has_ended = False
        # The next frame is one of an event's first handler call, which does not wait for the client.
        self.may_write = False
        # Done when a handshake is answered that ``connect`` has left open.
        self.answered: asyncio.Future[None] | None = None
        # Sent by handlers in threads since one of them has waited for the client.
        self.unawaited_bytes = 0
        self._waiting: deque[Event | asyncio.Future[None]] | None = None
        self._waiting_bytes = 0
        self._waiting_handler: WaitingHandler | None = None

    # --- The channel

    async def open(self) -> None:
        """Open the consumer's channel, if a channel layer is configured."""
        layer = self.consumer.channel_layer
        if layer is None:
            return
        if hasattr(layer, "open_channel"):
            self.channel = await layer.open_channel(self)
        else:
            self.channel = await layer.new_channel()
            self.receiver = asyncio.get_running_loop().create_task(self._receive_all())

    async def close(self) -> None:
        """Close the channel, which removes it from all groups."""
        self.stop()
        if self.receiver:
            self.receiver.cancel()
            await asyncio.gather(self.receiver, return_exceptions=True)
        elif self.channel:
            channel, self.channel = self.channel, None
            await self.consumer.channel_layer.close_channel(channel)
        if self.ended and not self.ended.done():
            self.ended.set_result(None)

    def put_nowait(self, data: bytes) -> None:
        """Take an event of the channel layer, which is handled in the order in which all events of the process came."""
        self.deliveries.put(self, data)

    async def _receive_all(self) -> None:
        try:
            while True:
                self.deliveries.put(self, await self.consumer.channel_layer.receive(self.channel))
        except Exception as error:
            self.fail(error)

    # --- The socket

    async def handle(self, message: dict[str, Any]) -> None:
        """Have a message of the socket handled when it is its turn; raises what the handler raises.

        After a failure only the disconnect is. It does not wait for the events that are queued, which are dropped.
        """
        is_last = message["type"] == "websocket.disconnect"
        if is_last:
            self.stop()
        try:
            await self._turn(is_revocation=message["type"] == "websocket.revoked")
            try:
                if not self.has_ended and (is_last or not self.has_stopped):
                    self.may_write = False
                    await self.run(self.consumer.dispatch(message))
            except StopConsumer:
                await self.end(is_last=is_last)
            except asyncio.CancelledError as error:
                self.stop()
                if (task := asyncio.current_task()) and task.cancelling():
                    raise
                # Nobody has cancelled this task: it is what the handler awaited. Servers ignore this exception.
                raise RuntimeError("A handler awaited what was cancelled") from error
            except BaseException:
                self.stop()
                raise
            finally:
                self.end_turn()
        finally:
            if is_last:
                await self.close()

    async def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a handler in the consumer's context, within the running task; raises what it raises."""
        waits, awaited = context.begin(self.context, coroutine)
        if waits:
            await self.finish(coroutine, awaited)

    async def finish(self, coroutine: Coroutine[Any, Any, None], awaited: Any) -> None:
        """Run a handler that waits to its end; raises what it raises."""
        # Under another server, cancelling a handler whose client has gone is that server's task.
        if self.socket:
            self._waiting_handler = WaitingHandler(self.socket, is_in_thread=self.consumer.takes_events_in_threads)
        try:
            await context.finish(self.context, coroutine, awaited)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not (task and self._waiting_handler and self._waiting_handler.has_cancelled):
                raise
            # The task goes on, and gives the disconnect to the consumer.
            task.uncancel()
            raise TimeoutError("A handler was cancelled, since its client had gone long ago") from None
        finally:
            if self._waiting_handler:
                self._waiting_handler.end()
                self._waiting_handler = None

    async def _turn(self, *, is_revocation: bool) -> None:
        """Return when no handler runs. A revocation does not wait for long: the socket is closed with 1012."""
        if not self.is_busy:
            self.is_busy = True
            return
        turn = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(turn)
        try:
            done, _ = await asyncio.wait([turn], timeout=LOOK_SECONDS if is_revocation else None)
            if not done:
                self._close_socket(CloseCode.SERVICE_RESTART)
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.end_turn()
            raise

    async def end(self, *, is_last: bool = False) -> None:
        """End a consumer that has raised StopConsumer. Without a disconnect, nothing would answer its client any more.

        A consumer whose ``send`` is not the server's may be one of several of the socket: what is around it decides.
        """
        self.has_ended = True
        await self.close()
        if self.socket and not is_last and (self.send or self.socket.is_connected):
            self._close_socket(CloseCode.NORMAL_CLOSURE)

    # --- Events

    def wait(self, event: Event) -> None:
        """Keep an event until the handler that runs has ended. Beyond a limit the socket is closed with 1013."""
        if self._waiting is None:
            self._waiting = deque()
        if len(self._waiting) >= MAX_WAITING or self._waiting_bytes > MAX_WAITING_BYTES:
            OVERLOADED_CLOSED.inc()
            logger.warning(
                "socket closed, too many events waited for its consumer's handlers",
                events=len(self._waiting),
                request_id=self.socket and self.socket.request_id,
            )
            self.stop()
            self._close_socket(CloseCode.TRY_AGAIN_LATER)
        else:
            self._waiting.append(event)
            self._waiting_bytes += len(event)

    def end_turn(self) -> None:
        """Let the message that waits longest have its turn."""
        while self._waiting:
            following = self._waiting.popleft()
            if not isinstance(following, asyncio.Future):
                self._waiting_bytes -= len(following)
                self.deliveries.resume(self, following)
                return
            if not following.done():
                following.set_result(None)
                return
        self._waiting = None
        self._waiting_bytes = 0
        self.is_busy = False

    def stop(self) -> None:
        """Give no more events to the handlers; messages of the socket still have their turn."""
        self.has_stopped = True
        if self._waiting:
            self._waiting = deque(each for each in self._waiting if isinstance(each, asyncio.Future))
            self._waiting_bytes = 0

    def event_failed(self, error: BaseException) -> None:
        """Handle what an event's handler has raised: StopConsumer ends the consumer, all else closes the socket."""
        if isinstance(error, StopConsumer):
            self.has_ended = True
            self.stop()
            self.deliveries.start(self.end())
        else:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Close the socket with 1011, or raise the error out of an application that still runs."""
        self.stop()
        if isinstance(error, asyncio.CancelledError):
            # Servers ignore that exception: the socket would stay open, and nothing would answer its client.
            error = RuntimeError("A handler was cancelled, or awaited what was")
        if self.ended and not self.is_attached:
            if not self.ended.done():
                self.ended.set_exception(error)
        elif self.socket:
            logger.error(
                "a consumer's handler failed, its socket is closed",
                exc_info=error,
                request_id=self.socket.request_id,
            )
            self.socket.handle_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    def _close_socket(self, code: CloseCode) -> None:
        if self.send:
            self.deliveries.start(self.send({"type": "websocket.close", "code": int(code)}))
        elif self.socket:
            self.socket.close(code)
