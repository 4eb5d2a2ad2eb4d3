"""The socket of a DirectConsumer that runs under another server than ours, such as Channels' test tools.

There are no limits, metrics or drain then: those are our server's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from channels_live.frames import messages

Handler = Callable[[dict[str, Any]], Awaitable[None]]


class AsgiSocket:
    """Turns what a consumer and the hub do with a socket into messages of ASGI.

    https://asgi.readthedocs.io/en/stable/specs/www.html#websocket
    """

    user = None
    subjects: tuple[str, ...] = ()

    def __init__(self, send: Handler) -> None:
        self._send = send
        self.is_connected = self._is_gone = False
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self.start(self._send_all())

    async def serve(self, handler: Handler, receive: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        """Give every message to ``handler``, the last is the disconnect."""
        try:
            while True:
                message = await receive()
                await handler(message)
                if message["type"] == "websocket.disconnect":
                    return
        finally:
            self.is_connected = False
            for task in self._tasks:
                task.cancel()

    def accept(self, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Accept the handshake; ``headers`` are added to the response."""
        self.is_connected = True
        message = {"type": "websocket.accept", "subprotocol": subprotocol, "headers": list(headers)}
        self._outgoing.put_nowait(message)

    def write(self, data: bytes) -> None:
        """Send whole frames; see channels_live.frames."""
        if self.is_connected:
            for message in messages(data):
                self._outgoing.put_nowait({"type": "websocket.send", **message})

    async def send(self, data: bytes) -> None:
        """Send whole frames, and return when the server has taken them."""
        self.write(data)
        await self.sent()

    async def sent(self) -> None:
        """Return when nothing waits to be sent."""
        await self._outgoing.join()

    def close(self, code: int, reason: str | None = None) -> None:
        """Close, or reject the handshake."""
        self.is_connected = False
        self._outgoing.put_nowait({"type": "websocket.close", "code": code, "reason": reason or ""})

    close_gracefully = close

    def refuse(self, limit: str) -> None:
        """Nothing is counted under another server."""

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine for the socket in the background."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_all(self) -> None:
        while True:
            message = await self._outgoing.get()
            try:
                if not self._is_gone:
                    await self._send(message)
            except OSError:
                # The client has gone, as the disconnect will tell; the rest is dropped.
                self._is_gone, self.is_connected = True, False
            finally:
                self._outgoing.task_done()
