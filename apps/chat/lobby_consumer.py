from channels.generic.websocket import AsyncWebsocketConsumer

from chat.live import live


class LobbyConsumer(AsyncWebsocketConsumer):
    """A page that shows the rooms. It is told how many are in them, and says nothing."""

    # No channel of its own: the lobby listens for all visitors of the process.
    channel_layer_alias = None

    async def connect(self) -> None:
        self.lobby = live().lobby
        await self.accept()
        await self.send(self.lobby.enter(self))

    async def disconnect(self, code: int) -> None:
        self.lobby.leave(self)
