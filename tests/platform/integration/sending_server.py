"""The server with consumers that send much at once: ours, at /stock one of Channels', and at /thread one that sends
from an event loop of its own, as reactpy-django does.

Each message from the client is an order: ``{"sizes": [...], "binary": bool}``. What was ordered comes in one go, then
the close. A client that takes nothing for STALLED_SECONDS is closed.
"""

import asyncio
import json
import threading
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from channels_live.consumers import DirectConsumer
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


other_loop = asyncio.new_event_loop()
routes = URLRouter([path("stock", Stock.as_asgi()), path("thread", Threaded.as_asgi()), path("", Direct.as_asgi())])  # type: ignore[arg-type]
application: Any = ProtocolTypeRouter({"websocket": routes})

if __name__ == "__main__":
    threading.Thread(target=other_loop.run_forever, daemon=True).start()
    set_up()
    serve(application, stall_seconds=STALLED_SECONDS)
