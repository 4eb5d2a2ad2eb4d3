"""The base of consumers whose sockets cost little while they are idle, and one write per message while they are not."""

from collections.abc import Awaitable
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer

from channels_live.consumers.asgi_socket import AsgiSocket
from channels_live.frames import frame, text_frame
from channels_live.observability import metrics
from channels_live.server.protocol import WebSocketProtocol
from channels_live.server.refusals import LOGIN_NEEDED

ABNORMAL = 1006


class DirectConsumer(AsyncWebsocketConsumer):
    """An AsyncWebsocketConsumer without the queue, the tasks and the thread hop that Channels gives each.

    Write ``connect``, ``receive`` and ``disconnect`` as in any other. What differs: it has no channel and no
    groups, since the hub listens for the whole process; and it closes no database connections between two messages, so
    queries go through the database thread (or database_sync_to_async). Under another server than ours, such as
    Channels' test tools, it works the same without limits and drain.
    ``scope`` is there in ``connect`` only: keep from it what is needed later. ``disconnect`` follows also where
    ``connect`` did not come to its end.
    """

    channel_layer_alias = None
    groups = ()
    # What the hub asks of a member: which of an event's frames it gets, and the last number it was given.
    protocol = ""
    seq = 0
    scope: dict[str, Any]
    socket: WebSocketProtocol | AsgiSocket

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scope = scope
        direct = scope.get("channels_live.socket")
        self.socket = direct or AsgiSocket(send)
        connect = await receive()
        try:
            await self.dispatch(connect)
        except BaseException:
            # Also where Daphne cancels it, since the client has left meanwhile.
            await self.disconnect(ABNORMAL)
            raise
        del self.scope
        if direct:
            direct.attach(self.dispatch)
        else:
            await self.socket.serve(self.dispatch, receive)

    async def dispatch(self, message: dict[str, Any]) -> None:
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
        """Some of the socket's subjects hold no more: see channels_live.revocation.watcher. Closes with 4401."""
        await self.close(LOGIN_NEEDED)

    async def accept(self, subprotocol: str | None = None, headers: Any = None) -> None:
        """Accept the handshake; ``headers`` are not supported, as in Daphne."""
        self.socket.accept(subprotocol)

    async def send(self, text_data: str | None = None, bytes_data: bytes | None = None, close: Any = False) -> None:
        """Send one message to this socket's client, and return when the kernel has taken it, or the socket is gone.

        So a client that reads slowly holds up its own consumer, for as long as it goes on reading; see server.writer.
        """
        sending = None
        if text_data is not None:
            sending = self._send(text_frame(text_data))
        elif bytes_data is not None:
            sending = self._send(frame(bytes_data, is_binary=True))
        # Nothing here holds it while its client takes its time.
        del text_data, bytes_data
        if sending:
            await sending
        if close:
            await self.close(close)

    def tell(self, text_data: str) -> None:
        """Send one message without waiting, for who tells many; a client that reads slowly is closed with 1013."""
        data = text_frame(text_data)
        metrics.count_sent(1, len(data))
        self.socket.write(data)

    async def close(self, code: int | bool | None = None, reason: str | None = None) -> None:
        """Close with a code, 1000 without one; before ``accept`` it rejects the handshake with 403."""
        self.socket.close(1000 if code is None or code is True else code, reason)

    def _send(self, data: bytes) -> Awaitable[None]:
        metrics.count_sent(1, len(data))
        return self.socket.send(data)
