"""The feeds as ws reads them."""

from typing import Any

from channels_live.event_loop import once_per_event_loop
from channels_live.hub import Event, Presence
from channels_live.journal import JOURNAL_V1, JournalRuntime, JournalSource, encode
from channels_live.server import add_shutdown_hook
from feed.journal import content, journal
from feed.models import Post


class Feeds(JournalSource):
    journal = journal

    def content(self, entry: Post) -> dict[str, Any]:
        return content(entry)


class FeedRuntime(JournalRuntime):
    """A journal's runtime, with the number of readers of each feed."""

    def __init__(self) -> None:
        super().__init__(Feeds)
        self.presence = Presence(self.hub, self._present)
        add_shutdown_hook(self.close)

    async def close(self) -> None:
        self.presence.close()

    def _present(self, feed: str, count: int, names: list[str]) -> None:
        self.hub.deliver(feed, Event({JOURNAL_V1: presence_frame(count)}, state="presence"))


def presence_frame(count: int) -> str:
    return encode({"type": "presence", "count": count})


@once_per_event_loop
def get_feed_runtime() -> FeedRuntime:
    return FeedRuntime()
