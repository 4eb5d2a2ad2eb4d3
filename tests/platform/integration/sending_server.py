"""The server with consumers that send much at once: ours, and at /stock one of Channels'.

Each message from the client is an order: ``{"sizes": [...], "binary": bool}``. What was ordered comes in one go, then
the close. A client that takes nothing for STALLED_SECONDS is closed.
"""

import json
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


routes = URLRouter([path("stock", Stock.as_asgi()), path("", Direct.as_asgi())])  # type: ignore[arg-type]
application: Any = ProtocolTypeRouter({"websocket": routes})

if __name__ == "__main__":
    set_up()
    serve(application, stall_seconds=STALLED_SECONDS)
