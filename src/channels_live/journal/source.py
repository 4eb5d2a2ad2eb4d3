"""A journal in a ws process: as the hub reads it, and what its consumers share."""

import functools
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from channels_live.conf import live_settings
from channels_live.database import SharedReads, get_database_thread
from channels_live.event_loop import once_per_event_loop
from channels_live.hub import Event, get_hub
from channels_live.journal.group_commit import GroupCommit
from channels_live.journal.journal import PAGE, Journal
from channels_live.journal.pages import fitting
from channels_live.journal.protocol import entry_frames

# Of a page, what is read to see whether the entries are long.
FIRST_ROWS = 50


class JournalSource:
    """The hub's Source for a journal; a topic is a stream.

    Subclass it with the ``journal``, and say what clients get of an entry: ``content`` for ``journal.v1``, or
    ``frames`` for protocols of your own. A process has one hub for each such class.
    """

    journal: ClassVar[Journal[Any]]

    def content(self, entry: Any) -> Mapping[str, Any]:
        """Return the app's own fields of an entry, as JSON has them."""
        raise NotImplementedError(f"{type(self).__name__} needs content, or frames.")

    def frames(self, entry: Any) -> Mapping[str, str]:
        """Return the text that members get of an entry, by their protocol."""
        return entry_frames(entry, self.content(entry))

    def event(self, entry: Any) -> Event:
        """Return the event of an entry."""
        return Event(self.frames(entry), entry.seq, altered=entry.is_changed)

    def group(self, topic: str) -> str:
        """Return the stream's group in the channel layer."""
        return self.journal.group(topic)

    def epoch(self) -> str:
        """Return which journal it is; see ``Journal.epoch``."""
        return self.journal.epoch()

    def heads(self, topics: Collection[str]) -> Mapping[str, int]:
        """Return the highest number of each stream."""
        return self.journal.heads(topics)

    def after(self, topic: str, seq: int) -> list[Event]:
        """Return the events later than a number, oldest first, at most 200 and about 128 KiB of them."""
        found = self._read(topic, seq, FIRST_ROWS)
        page = _fitting(found)
        if len(found) == FIRST_ROWS == len(page):
            # Not at once: where entries are long, most of what the database gave would be thrown away.
            page = _fitting(found + self._read(topic, found[-1].seq or seq, PAGE - FIRST_ROWS))
        return page

    def _read(self, topic: str, seq: int, limit: int) -> list[Event]:
        return [self.event(entry) for entry in self.journal.after(topic, seq, limit)]


def _fitting(events: list[Event]) -> list[Event]:
    # A member gets the frame of one protocol.
    return fitting(events, text_of=lambda event: max(event.frames.values(), key=len, default=""))


class JournalRuntime:
    """The hub, the group commit and the shared reads of one source. Make it inside the event loop.

    ``commits.append(draft)`` stores an entry and gives it to the members everywhere. ``bounds.get(stream)`` returns
    what ``Journal.bounds`` does, and asks once for all who ask meanwhile.
    """

    def __init__(self, source: type[JournalSource]) -> None:
        self.database = get_database_thread()
        self.hub = get_hub(source)
        journal = source.journal
        self.bounds: SharedReads[str, tuple[int, int]] = SharedReads(
            functools.partial(self.database.run, journal.bounds_of)
        )
        self.commits: GroupCommit[Any] = GroupCommit(
            functools.partial(self.database.run, journal.append), live_settings.JOURNAL_QUEUE, self._publish
        )
        self._source = source()

    def _publish(self, entry: Any) -> None:
        self.hub.publish(entry.stream_name, self._source.event(entry))


@once_per_event_loop
def get_runtime(source: type[JournalSource]) -> JournalRuntime:
    """Return the process's one runtime of a source, made when the first member joins."""
    return JournalRuntime(source)
