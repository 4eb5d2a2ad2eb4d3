"""What our consumers have in the place of the life that channels.consumer gives them."""

import asyncio
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync
from channels import consumer
from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from channels_live.close_codes import CloseCode
from channels_live.consumers.deliveries import get_deliveries
from channels_live.consumers.mailbox import Mailbox
from channels_live.consumers.middleware import is_inside_middleware, is_send_of_server
from channels_live.consumers.old_connections import aclose_old_connections, has_old_connections
from channels_live.consumers.shared_frame import shared_text_frame
from channels_live.consumers.shared_headers import share_headers
from channels_live.frames import frame
from channels_live.observability import metrics

if TYPE_CHECKING:
    # Daphne, which a process that only imports consumers does not need.
    from channels_live.server.protocol import WebSocketProtocol

Message = dict[str, Any]

# Bytes that a handler in a thread sends before it waits until the client has taken them.
UNAWAITED_BYTES = 64 * 1024


class LiveConsumer(consumer.AsyncConsumer):
    """A consumer of WebSockets without the tasks, the queue and the thread hops that Channels gives each.

    Scopes of other types, such as ``http`` and ``channel``, are served as Channels does it.
    """

    scope: Any
    channel_layer: Any
    channel_name: str
    # Events are given to its handlers in threads, where the server is ours.
    takes_events_in_threads = False
    _mailbox: Mailbox

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            await super().__call__(scope, receive, send)
            return
        self.scope = scope
        self.channel_layer = get_channel_layer(self.channel_layer_alias)
        socket = scope.get("channels_live.socket")
        # A middleware that wraps ``send`` or ``receive`` is to see every message. Either keeps the application running:
        # its ``send`` ends in the server's, which serves sockets that have not attached.
        is_direct = socket is not None and is_send_of_server(send, socket)
        mailbox = self._mailbox = Mailbox(self, get_deliveries(), socket, None if is_direct else send)
        try:
            await mailbox.open()
            if mailbox.channel is not None:
                self.channel_name = mailbox.channel
            if socket is None or not is_direct or receive != socket.receive:
                await _serve(mailbox, receive)
                return
            try:
                await mailbox.handle(await receive())
            except Exception as error:
                if socket.state == socket.STATE_CONNECTING:
                    raise
                # It is open already, or was: its disconnect is still to come.
                mailbox.fail(error)
            if not await _is_answered(mailbox, socket, receive):
                return
            if is_inside_middleware():
                mailbox.ended = asyncio.get_running_loop().create_future()
            mailbox.is_attached = True
            scope["headers"] = share_headers(scope["headers"])
            socket.attach(mailbox.handle)
            if mailbox.ended:
                # Only now what the middleware does after its application has returned.
                await mailbox.ended
        finally:
            if not mailbox.is_attached:
                await mailbox.close()

    async def websocket_revoked(self, message: Message) -> None:
        """Some of the socket's subjects are revoked (see channels_live.revocation). By default, close with 4401.

        ``message["subjects"]`` is a frozenset of them.
        """
        await self.base_send({"type": "websocket.close", "code": int(CloseCode.LOGIN_REQUIRED)})

    async def dispatch(self, message: Message) -> None:
        """Call the handler that the message's type names."""
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"No handler for message type {message['type']}")
        if has_old_connections():
            await aclose_old_connections()
        await handler(message)

    async def base_send(self, message: Message) -> None:
        """Send an ASGI message.

        In a handler of an event, the first frame does not wait for the client: one that leaves more than
        ``MEMBER_BUFFER_KIB`` of such frames unread is closed with 1013. All others wait until the kernel has taken
        them.
        """
        mailbox = self._mailbox
        _require_accepted(mailbox, message)
        socket = mailbox.socket
        if mailbox.send is not None or socket is None:
            await mailbox.send(message)
        elif message["type"] != "websocket.send":
            _reply(mailbox, message)
        elif mailbox.may_write:
            mailbox.may_write = False
            data = _frame(message)
            mailbox.deliveries.count_written(len(data))
            socket.write(data)
        else:
            data = _frame(message)
            metrics.count_sent(1, len(data))
            await socket.send(data)


class LiveSyncConsumer(LiveConsumer):
    """A consumer whose handlers are synchronous: they run in threads that all such consumers of the process share."""

    _sync = True

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # An overridden dispatch is called for events too.
        cls.takes_events_in_threads = cls.dispatch is LiveSyncConsumer.dispatch

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if "channels_live.socket" not in scope:
            # Under another server, such as Channels' test tools, in the thread that Django's test cases expect.
            self.base_send = async_to_sync(send)  # type: ignore[method-assign]
        await super().__call__(scope, receive, send)

    def websocket_revoked(self, message: Message) -> None:  # type: ignore[override]
        self.base_send({"type": "websocket.close", "code": int(CloseCode.LOGIN_REQUIRED)})

    async def dispatch(self, message: Message) -> None:
        """Call the handler that the message's type names, in a thread."""
        if self.scope["type"] == "websocket" and "channels_live.socket" in self.scope:
            await self._mailbox.deliveries.threads.run(self._mailbox, message)
        else:
            await database_sync_to_async(self.handle_in_thread)(message)

    def handle_in_thread(self, message: Message) -> None:
        """Call the handler that the message's type names."""
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"No handler for message type {message['type']}")
        handler(message)

    def base_send(self, message: Message) -> None:  # type: ignore[override]
        """Send an ASGI message, from any thread but the event loop's; see LiveConsumer.base_send.

        A frame that would wait for the client does so for a second at most. From then on frames are buffered until the
        client has read everything, and one that leaves more than ``MEMBER_BUFFER_KIB`` of them unread is closed with
        1013.
        """
        mailbox = self._mailbox
        _require_accepted(mailbox, message)
        socket, threads = mailbox.socket, mailbox.deliveries.threads
        if mailbox.send is not None or socket is None:
            threads.wait_for(mailbox.send, message)
        elif message["type"] != "websocket.send":
            threads.call(_reply, mailbox, message)
        elif mailbox.may_write:
            mailbox.may_write = False
            threads.post(_write, mailbox, _frame(message))
        else:
            data = _frame(message)
            threads.post(_send, socket, data)
            mailbox.unawaited_bytes += len(data)
            if socket.is_backed_up or mailbox.unawaited_bytes > UNAWAITED_BYTES:
                mailbox.unawaited_bytes = 0
                threads.wait_for(socket.sent_soon)


def _require_accepted(mailbox: Mailbox, message: Message) -> None:
    """Raise ValueError, as Daphne does, for a frame to a client whose handshake is not answered."""
    # Elsewhere ``send`` does.
    socket = mailbox.socket if mailbox.send is None else None
    if message["type"] == "websocket.send" and socket is not None and socket.state == socket.STATE_CONNECTING:
        raise ValueError("Socket has not been accepted, so cannot send over it")


def _frame(message: Message) -> bytes:
    """Return the frame of ``websocket.send``."""
    text = message.get("text")
    return shared_text_frame(text) if text is not None else frame(message["bytes"], is_binary=True)


def _reply(mailbox: Mailbox, message: Message) -> None:
    """Do what an ASGI message other than ``websocket.send`` says."""
    socket = mailbox.socket
    assert socket
    if message["type"] == "websocket.accept" and socket.state != socket.STATE_CONNECTING:
        return  # the client has gone meanwhile
    socket.handle_reply(message)
    if mailbox.answered and not mailbox.answered.done():
        mailbox.answered.set_result(None)


def _write(mailbox: Mailbox, data: bytes) -> None:
    assert mailbox.socket
    mailbox.deliveries.count_written(len(data))
    mailbox.socket.write(data)


def _send(socket: "WebSocketProtocol", data: bytes) -> None:
    if socket.is_connected:
        metrics.count_sent(1, len(data))
        socket.send_soon(data)


async def _is_answered(mailbox: Mailbox, socket: "WebSocketProtocol", receive: Any) -> bool:
    """Return once the handshake is answered, which a handler of an event may do; False where the client left before."""
    if socket.state != socket.STATE_CONNECTING:
        return True
    mailbox.answered = asyncio.get_running_loop().create_future()
    receiving = asyncio.ensure_future(receive())
    try:
        await asyncio.wait([receiving, mailbox.answered], return_when=asyncio.FIRST_COMPLETED)
        if not receiving.done():
            return True
        # The disconnect, or the first that a client sends once it is accepted.
        message = receiving.result()
        await mailbox.handle(message)
        return bool(message["type"] != "websocket.disconnect")
    finally:
        receiving.cancel()


async def _serve(mailbox: Mailbox, receive: Any) -> None:
    """Handle the messages of a socket until its end; raises what a handler raises."""
    mailbox.ended = asyncio.get_running_loop().create_future()
    while not mailbox.ended.done():
        receiving = asyncio.ensure_future(receive())
        try:
            await asyncio.wait([receiving, mailbox.ended], return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                await mailbox.handle(receiving.result())
        finally:
            receiving.cancel()
    mailbox.ended.result()
