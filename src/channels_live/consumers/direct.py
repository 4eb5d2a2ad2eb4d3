"""A base class of consumers whose idle sockets cost little, and which writes each message once."""

from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any

from channels.generic.websocket import AsyncWebsocketConsumer

from channels_live.close_codes import CloseCode
from channels_live.consumers.asgi_socket import AsgiSocket
from channels_live.frames import frame, text_frame
from channels_live.observability import metrics

if TYPE_CHECKING:
    # Daphne, which a process that only imports consumers does not need.
    from channels_live.server.protocol import WebSocketProtocol


class DirectConsumer(AsyncWebsocketConsumer):
    """An AsyncWebsocketConsumer without the queue, the tasks and the thread hop that Channels gives each.

    Subclasses write ``connect``, ``receive`` and ``disconnect`` as for AsyncWebsocketConsumer
    (https://channels.readthedocs.io/en/stable/topics/consumers.html). The differences:

    - ``scope`` exists in ``connect`` only, since an idle socket keeps none: store what is needed later as attributes.
    - ``connect`` accepts or closes before it returns; a handshake that is not accepted by then is rejected with 403.
    - Messages come one at a time, in order. The next ``receive`` waits until this one has returned: answers that take
      long, such as commits, run by ``self.socket.start(coroutine)``, for which a draining server waits.
    - ``disconnect`` is called exactly once, the last of all, also where ``connect`` raised or was cancelled because the
      client had gone; its code is 1006 then.
    - An exception in ``connect`` answers 500, or closes with 1011 once accepted. An exception in ``receive`` is logged,
      and the socket is closed with 1011.
    - There is no channel and there are no groups: channels_live.hub listens for the whole process.
    - Database connections are not closed between two messages: queries go through the database thread of
      channels_live.database, or ``database_sync_to_async``.

    Under another server than ``channels_live.server``, such as Channels' test tools, it works the same, without limits,
    metrics and drain.
    """

    channel_layer_alias = None
    groups = ()
    # What the hub uses of a member: which of an event's frames it gets, and the last number it was given.
    protocol = ""
    seq = 0
    scope: dict[str, Any]
    socket: "WebSocketProtocol | AsgiSocket"

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scope = scope
        direct = scope.get("channels_live.socket")
        self.socket = direct or AsgiSocket(send)
        connect = await receive()
        try:
            await self.dispatch(connect)
        except BaseException:
            # Also where Daphne cancels it, since the client has left meanwhile.
            await self.disconnect(CloseCode.ABNORMAL_CLOSURE)
            raise
        del self.scope
        if direct:
            direct.attach(self.dispatch)
        else:
            await self.socket.serve(self.dispatch, receive)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the method for a message of ASGI, or for ``websocket.revoked``."""
        match message["type"]:
            case "websocket.connect":
                await self.websocket_connect(message)
            case "websocket.receive":
                await self.receive(text_data=message.get("text"), bytes_data=message.get("bytes"))
            case "websocket.revoked":
                await self.revoked(message["subjects"])
            case "websocket.disconnect":
                await self.disconnect(message["code"])

    async def revoked(self, subjects: frozenset[str]) -> None:
        """Some of ``socket.subjects`` are revoked (see channels_live.revocation). By default, close with 4401."""
        await self.close(CloseCode.LOGIN_REQUIRED)

    async def accept(
        self, subprotocol: str | None = None, headers: Iterable[tuple[bytes, bytes]] | None = None
    ) -> None:
        """Accept the handshake; ``headers`` are added to the response.

        Raises ValueError for a subprotocol that the client did not offer, and for headers that are not valid, or that
        are the server's.
        """
        self.socket.accept(subprotocol, headers or ())

    async def send(self, text_data: str | None = None, bytes_data: bytes | None = None, close: Any = False) -> None:
        """Send one message to this client, and return when the kernel has taken it, or when the socket is gone.

        So a client that reads slowly delays its own consumer, for as long as it goes on reading; one that takes nothing
        for 30 s is closed with 1013. ``close`` is True or a close code, with which the socket is closed after the
        message.
        """
        sending = None
        if text_data is not None:
            sending = self._send(text_frame(text_data))
        elif bytes_data is not None:
            sending = self._send(frame(bytes_data, is_binary=True))
        # No reference here keeps it in memory while the client takes its time.
        del text_data, bytes_data
        if sending:
            await sending
        if close:
            await self.close(close)

    def tell(self, text_data: str) -> None:
        """Send one message without waiting, for callers that send to many clients.

        A client that leaves more than ``MEMBER_BUFFER_KIB`` of such messages unread is closed with 1013.
        """
        data = text_frame(text_data)
        metrics.count_sent(1, len(data))
        self.socket.write(data)

    async def close(self, code: int | bool | None = None, reason: str | None = None) -> None:
        """Close with a code, 1000 without one; before ``accept`` it rejects the handshake with 403."""
        self.socket.close(CloseCode.NORMAL_CLOSURE if code is None or code is True else code, reason)

    def _send(self, data: bytes) -> Awaitable[None]:
        metrics.count_sent(1, len(data))
        return self.socket.send(data)
