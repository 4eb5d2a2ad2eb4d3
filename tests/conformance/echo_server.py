"""The server with consumers that echo: ours, and at /stock one of Channels'.

The limit of a message is beyond the 16 MiB that the Autobahn Testsuite sends. Over HTTP it answers the number of
Python objects that are left after a garbage collection.
"""

import gc
from typing import Any

from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from channels_live.consumers import DirectConsumer
from channels_live.server.run import serve, set_up

MAX_FRAME_KIB = 20 * 1024


class Direct(DirectConsumer):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data, bytes_data)


class Stock(AsyncWebsocketConsumer):
    channel_layer_alias = None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data, bytes_data)


class ObjectsConsumer(AsyncHttpConsumer):
    channel_layer_alias = None

    async def handle(self, body: bytes) -> None:
        gc.collect()
        await self.send_response(200, str(len(gc.get_objects())).encode())


routes = URLRouter([path("stock", Stock.as_asgi()), path("", Direct.as_asgi())])  # type: ignore[arg-type]
application: Any = ProtocolTypeRouter({"websocket": routes, "http": ObjectsConsumer.as_asgi()})

if __name__ == "__main__":
    set_up()
    serve(application, max_frame_kib=MAX_FRAME_KIB)
