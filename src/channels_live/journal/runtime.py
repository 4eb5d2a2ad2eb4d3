"""What all consumers of one journal share in a ws process."""

import functools
from typing import Any

from django.conf import settings

from channels_live.database.shared_reads import SharedReads
from channels_live.database.thread import database_thread
from channels_live.event_loop import once_per_event_loop
from channels_live.hub.hub import hub_of
from channels_live.journal.group_commit import GroupCommit
from channels_live.journal.source import JournalSource


class JournalRuntime:
    """The hub, the group commit and the shared reads of one source. Make it inside the event loop.

    ``commits.append(draft)`` stores an entry and gives it to the members everywhere. ``bounds.get(stream)`` returns
    what ``Journal.bounds`` does, and asks once for all who ask meanwhile.
    """

    def __init__(self, source: type[JournalSource]) -> None:
        self.database = database_thread()
        self.hub = hub_of(source)
        journal = source.journal
        self.bounds: SharedReads[str, tuple[int, int]] = SharedReads(
            functools.partial(self.database.run, journal.bounds_of)
        )
        self.commits: GroupCommit[Any] = GroupCommit(
            functools.partial(self.database.run, journal.append), settings.JOURNAL_QUEUE, self._publish
        )
        self._source = source()

    def _publish(self, entry: Any) -> None:
        self.hub.publish(entry.stream_name, self._source.event(entry))


@once_per_event_loop
def get_runtime(source: type[JournalSource]) -> JournalRuntime:
    """Return the process's one runtime of a source, made when the first member joins."""
    return JournalRuntime(source)
