from collections.abc import Mapping
from typing import Any

from accounts.guests import author_of
from channels_live.consumers import JournalConsumer
from channels_live.journal import JournalSource
from feed import activities
from feed.models import Activity


class Activities(JournalSource):
    """The feeds as the hub reads them."""

    journal = activities.journal

    def frames(self, entry: Activity) -> Mapping[str, str]:
        return activities.frames(entry)


class FeedConsumer(JournalConsumer):
    """A window with a feed. It receives every activity, and may add one."""

    source = Activities
    accepts = ("text",)

    async def connect(self) -> None:
        self.actor = author_of(self.scope)
        await super().connect()

    def fields(self, content: Mapping[str, Any]) -> dict[str, Any]:
        return {**super().fields(content), "actor": self.actor}
