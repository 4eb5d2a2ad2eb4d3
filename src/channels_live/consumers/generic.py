"""The consumers of Channels under their own names: https://channels.readthedocs.io/en/stable/topics/consumers.html."""

from typing import Any

from channels import consumer
from channels.exceptions import InvalidChannelLayerError, StopConsumer
from channels.generic import websocket

from channels_live.consumers.base import LiveConsumer, LiveSyncConsumer
from channels_live.consumers.old_connections import aclose_old_connections, has_old_connections


class AsyncConsumer(LiveConsumer, consumer.AsyncConsumer):
    """channels.consumer.AsyncConsumer, without a queue and tasks for each WebSocket.

    All consumers here have the API of those in Channels whose names they bear, and are subclasses of them. Where the
    layer is channels_live.layers.ChannelLayer, an event costs no task and no thread hop, and an idle socket none of
    either. The differences:

    - A handler of an event does not wait for its own client with the first frame that it sends: a client that leaves
      more than ``MEMBER_BUFFER_KIB`` of them unread is closed with 1013.
    - At most 1,000 events wait for a consumer whose handler runs; beyond that its socket is closed with 1013.
    - An exception in a handler closes the socket with 1011, and ``disconnect`` is called.
    - ``websocket_revoked`` is called when a subject of the socket is revoked, and closes it with 4401.
    - A draining server closes the socket with 1012, and ``disconnect`` is called.
    """


class SyncConsumer(LiveSyncConsumer, consumer.SyncConsumer):
    """channels.consumer.SyncConsumer, whose handlers have threads of their own; see AsyncConsumer.

    At most 32 handlers of the process's synchronous consumers run at once, each thread with a database connection of
    its own. A handler waits for a client that reads slowly for a second at most: what it sends from then on is buffered
    until the client has read everything, and one that leaves more than ``MEMBER_BUFFER_KIB`` of it unread is closed
    with 1013. An asynchronous consumer waits for as long as the client goes on reading.

    Under another server than channels_live.server they run in asgiref's thread, as Channels has it.
    """


class AsyncWebsocketConsumer(AsyncConsumer, websocket.AsyncWebsocketConsumer):
    """channels.generic.websocket.AsyncWebsocketConsumer; see AsyncConsumer."""

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        # As in Channels, but for the thread hop at its end.
        try:
            for group in self.groups or ():
                await self.channel_layer.group_discard(group, self.channel_name)
        except AttributeError:
            raise InvalidChannelLayerError("BACKEND is unconfigured or doesn't support groups") from None
        await self.disconnect(message["code"])
        if has_old_connections():
            await aclose_old_connections()
        raise StopConsumer


class AsyncJsonWebsocketConsumer(AsyncWebsocketConsumer, websocket.AsyncJsonWebsocketConsumer):
    """channels.generic.websocket.AsyncJsonWebsocketConsumer; see AsyncConsumer."""


class WebsocketConsumer(SyncConsumer, websocket.WebsocketConsumer):
    """channels.generic.websocket.WebsocketConsumer; see SyncConsumer."""


class JsonWebsocketConsumer(WebsocketConsumer, websocket.JsonWebsocketConsumer):
    """channels.generic.websocket.JsonWebsocketConsumer; see SyncConsumer."""
