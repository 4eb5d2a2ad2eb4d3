"""The server of ws with one consumer of Channels more, at ``/ws/group/``: what one says, all in its group are told.

What takes ten seconds to be noticed in production takes one here.
"""

import functools
import os
from typing import Any

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import path

GROUP = "ordinary"


class GroupConsumer(AsyncWebsocketConsumer):
    groups = (GROUP,)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.channel_layer.group_send(GROUP, {"type": "said", "text": text_data})

    async def said(self, event: dict[str, Any]) -> None:
        await self.send(event["text"])


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ws.settings")
    # Before the application: it chooses Twisted's reactor.
    import channels_live.server.server  # noqa: F401
    from channels_live.hub import hub as hub_module
    from channels_live.hub.connection import ChannelLayerConnection
    from channels_live.server import main
    from feed_stack import ws as settings

    # get_hub makes the hub with its defaults.
    connect = functools.partial(ChannelLayerConnection, stale_seconds=1.0)
    hub_module.Hub = functools.partial(hub_module.Hub, connect=connect)  # type: ignore[misc, assignment]
    settings.CHANNEL_LAYERS["default"]["CONFIG"] |= {"heartbeat_seconds": 0.25}
    django.setup()
    from feed.routing import websocket_urlpatterns

    websocket_urlpatterns.append(path("ws/group/", GroupConsumer.as_asgi()))  # type: ignore[arg-type]
    main()
