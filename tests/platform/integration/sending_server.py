"""The server with consumers that send much at once: ours, at /stock one of Channels', at /sync, /wrapped and
/stock-sync synchronous ones, and at /thread one that sends from an event loop of its own, as reactpy-django does.

Each message from the client is an order: ``{"sizes": [...], "binary": bool}``. What was ordered comes in one go, then
the close. A client that takes nothing for STALLED_SECONDS is closed.
"""

import asyncio
import json
import threading
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.generic.websocket import WebsocketConsumer as StockWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from channels_live.consumers import DirectConsumer, WebsocketConsumer
from channels_live.server.run import serve, set_up

STALLED_SECONDS = 2.0


async def deliver(consumer: AsyncWebsocketConsumer, order: str) -> None:
    wanted = json.loads(order)
    for number, size in enumerate(wanted["sizes"]):
        text = f"{number}".ljust(size, ".")
        if wanted["binary"]:
            await consumer.send(bytes_data=text.encode())
        else:
            await consumer.send(text_data=text)
    await consumer.close(4000)


class Direct(DirectConsumer):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await deliver(self, text_data or "")


class Stock(AsyncWebsocketConsumer):
    channel_layer_alias = None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await deliver(self, text_data or "")


class Threaded(AsyncWebsocketConsumer):
    channel_layer_alias = None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        asyncio.run_coroutine_threadsafe(deliver(self, text_data or ""), other_loop)


class Sending:
    """Sends all that was ordered, in a thread."""

    channel_layer_alias = None

    def receive(self: Any, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        for number, size in enumerate(json.loads(text_data or "")["sizes"]):
            self.send(f"{number}".ljust(size, "."))
        self.close(4000)


class Sync(Sending, WebsocketConsumer):
    pass


class Hasty(WebsocketConsumer):
    channel_layer_alias = None

    def connect(self) -> None:
        try:
            self.send("before accept")
        except ValueError as error:
            self.accept()
            self.send(str(error))


class StockSync(Sending, StockWebsocketConsumer):
    pass


def wrapped(application: Any) -> Any:
    """A middleware that sees all that is sent and received."""

    async def wrapping(scope: Any, receive: Any, send: Any) -> None:
        async def wrapped_receive() -> Any:
            return await receive()

        async def wrapped_send(message: Any) -> None:
            await send(message)

        await application(scope, wrapped_receive, wrapped_send)

    return wrapping


other_loop = asyncio.new_event_loop()
applications = {
    "stock": Stock.as_asgi(),
    "sync": Sync.as_asgi(),
    "wrapped": wrapped(Sync.as_asgi()),
    "hasty": Hasty.as_asgi(),
    "stock-sync": StockSync.as_asgi(),
    "thread": Threaded.as_asgi(),
    "": Direct.as_asgi(),
}
routes = URLRouter([path(route, application) for route, application in applications.items()])
application: Any = ProtocolTypeRouter({"websocket": routes})

if __name__ == "__main__":
    threading.Thread(target=other_loop.run_forever, daemon=True).start()
    set_up()
    serve(application, stall_seconds=STALLED_SECONDS)
