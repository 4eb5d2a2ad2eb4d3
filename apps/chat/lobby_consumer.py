from channels_live.consumers import DirectConsumer
from chat.runtime import get_chat_runtime


class LobbyConsumer(DirectConsumer):
    """A page with the list of rooms. It receives the number of people in each, and sends nothing."""

    async def connect(self) -> None:
        self.lobby = get_chat_runtime().lobby
        await self.accept()
        await self.send(self.lobby.enter(self))

    async def disconnect(self, code: int) -> None:
        self.lobby.leave(self)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.socket.refuse("invalid")
