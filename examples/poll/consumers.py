from accounts.guests import author_of, identity_of
from channels_live.consumers import DirectConsumer
from channels_live.database import get_database_thread
from channels_live.hub import get_hub
from poll.votes import Votes, record


class PollConsumer(DirectConsumer):
    """A window with a poll. It receives every result, and sends ``true`` or ``false``."""

    async def connect(self) -> None:
        self.poll = self.scope["url_route"]["kwargs"]["poll"]
        # The same under every name of a guest; quoted, since a guest's tag may be digits, as a user's key is.
        self.voter = repr(identity_of(self.scope) or author_of(self.scope))
        self.hub = get_hub(Votes)
        await self.hub.open(self.poll, self)
        await self.accept()
        await self.hub.go_live(self.poll, self, after=0)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if text_data in ("true", "false"):
            event = await get_database_thread().run(record, self.poll, self.voter, text_data == "true")
            self.hub.publish(self.poll, event)

    async def disconnect(self, code: int) -> None:
        self.hub.leave(self.poll, self)
