import uuid
from typing import Any

from channels_live.conf import live_settings
from channels_live.consumers import JournalConsumer
from channels_live.event_streams import JournalEventStream
from channels_live.rate_limit import Limit
from feed.source import FeedRuntime, Feeds, get_feed_runtime, presence_frame


class FeedConsumer(JournalConsumer):
    """Reads a feed and posts to it, and is told how many do."""

    source = Feeds
    accepts = ("text",)
    rate = Limit(live_settings.MESSAGE_RATE, live_settings.MESSAGE_BURST)
    runtime: FeedRuntime
    name = ""
    # The user's name; a guest has none.
    you = ""

    async def connect(self) -> None:
        self.you = self.scope["user"].get_username()
        await super().connect()

    def welcome_frame(self, head: int, resumed_from: int | None, epoch: str) -> dict[str, Any]:
        return {**super().welcome_frame(head, resumed_from, epoch), "you": self.you}

    def get_runtime(self) -> FeedRuntime:
        return get_feed_runtime()

    async def welcomed(self) -> None:
        self.name = uuid.uuid4().hex
        self.runtime.presence.join(self.stream, self.name)
        count, _ = self.runtime.presence.told_to_one(self.stream)
        await self.send(presence_frame(count))

    async def disconnect(self, code: int) -> None:
        if self.name:
            self.runtime.presence.leave(self.stream, self.name)
        await super().disconnect(code)


class FeedStream(JournalEventStream):
    """Reads a feed by EventSource."""

    source = Feeds
