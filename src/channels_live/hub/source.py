"""What the hub asks of an app."""

from collections.abc import Collection, Mapping
from typing import Protocol

from channels_live.layers.event import Event


class Source(Protocol):
    """An app's journal, as the hub reads it. The methods block; the hub calls them in the database thread."""

    def group(self, topic: str) -> str:
        """Return the topic's group in the channel layer."""

    def epoch(self) -> str:
        """Return what changes when another journal takes this one's place, such as a restored dump.

        channels_live.journal.journal_epoch returns it for a table.
        """

    def heads(self, topics: Collection[str]) -> Mapping[str, int]:
        """Return the highest number of each topic."""

    def after(self, topic: str, seq: int) -> list[Event]:
        """Return events later than a number, oldest first; an empty list where there are none.

        Not many at a time, and not much: a read holds up commits, and what a member that catches up is given waits for
        it in memory. Some 200 events, and some 128 KiB, are a good measure.
        Numbers begin with 1 and may have holes: an app whose events each tell the whole state returns the last only.
        """
