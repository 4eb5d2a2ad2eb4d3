"""A journal in a ws process: the hub reads it, and what clients send is committed in groups.

Group commit: whatever arrives while one transaction runs goes into the next.
"""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Generic

from django.db import Error

from channels_live.conf import live_settings
from channels_live.database import Kind, SharedReads, get_database_thread, kind_of, log_failure
from channels_live.event_loop import once_per_event_loop
from channels_live.hub import Event, get_hub
from channels_live.journal import metrics
from channels_live.journal.append import EntryModel
from channels_live.journal.errors import Overloaded, Unavailable, Unprocessable
from channels_live.journal.journal import PAGE, Journal
from channels_live.journal.models import Draft
from channels_live.journal.pages import fitting
from channels_live.journal.protocol import entry_frames
from channels_live.observability import tracing

logger = logging.getLogger(__name__)

# Of a page, what is read to see whether the entries are long.
FIRST_ROWS = 50
# Entries of one transaction.
BATCH = 500

Waiting = tuple[Draft, asyncio.Future[EntryModel], tracing.Carrier | None]


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


class GroupCommit(Generic[EntryModel]):
    """Appends to a journal from one process's event loop, one transaction at a time.

    ``append`` stores a batch, as ``Journal.append`` does. ``limit`` is the number of entries that may wait.
    ``committed`` is called with each newly stored entry, in the order of their numbers.
    """

    def __init__(
        self,
        append: Callable[[Sequence[Draft]], Awaitable[list[EntryModel]]],
        limit: int,
        committed: Callable[[EntryModel], None],
    ) -> None:
        self._append = append
        self._limit = limit
        self._committed = committed
        self._waiting: list[Waiting[EntryModel]] = []
        self._task: asyncio.Task[None] | None = None

    async def append(self, draft: Draft) -> EntryModel:
        """Return the entry once it is committed; raises Overloaded, Unavailable or Unprocessable."""
        if len(self._waiting) >= self._limit:
            metrics.REFUSED.labels("overloaded").inc()
            raise Overloaded
        future: asyncio.Future[EntryModel] = asyncio.get_running_loop().create_future()
        with tracing.span("journal append"):
            self._waiting.append((draft, future, tracing.carrier()))
            # Of all journals of the process together.
            metrics.QUEUE.inc()
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._commit_all())
            # A sender that leaves meanwhile takes nothing back.
            return await asyncio.shield(future)

    async def _commit_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            metrics.QUEUE.dec(len(batch))
            metrics.BATCH.observe(len(batch))
            await self._commit(batch)

    async def _commit(self, batch: list[Waiting[EntryModel]]) -> None:
        """Store the batch. Where a draft of it is at fault, the others are stored, in their order."""
        try:
            with metrics.COMMIT_DURATION.time():
                stored = await self._append([draft for draft, _, _ in batch])
        except Exception as error:
            if kind_of(error) is not Kind.DATA:
                _refuse(batch, error, "unavailable", Unavailable)
            elif len(batch) == 1:
                _refuse(batch, error, "unprocessable", Unprocessable)
            else:
                # The halves in turn, down to the draft: only who has such a draft pays for it.
                middle = len(batch) // 2
                await self._commit(batch[:middle])
                await self._commit(batch[middle:])
        else:
            self._publish(batch, stored)

    def _publish(self, batch: list[Waiting[EntryModel]], stored: list[EntryModel]) -> None:
        # A draft that came twice in one batch is one entry. Without a primary key an entry is unhashable.
        published: set[int] = set()
        for (_, future, carrier), entry in zip(batch, stored, strict=True):
            if entry.is_new and id(entry) not in published:
                published.add(id(entry))
                with tracing.span("publish", carrier):
                    self._committed(entry)
            if not future.done():
                future.set_result(entry)


def _refuse(batch: list[Waiting[Any]], error: Exception, reason: str, refusal_class: type[Exception]) -> None:
    metrics.REFUSED.labels(reason).inc(len(batch))
    if isinstance(error, Error | UnicodeError):
        log_failure(logger, "Messages not stored", error)
    else:
        logger.error("Messages not stored: %d", len(batch), exc_info=error)
    for _, future, _ in batch:
        if not future.done():
            refusal = refusal_class()
            refusal.__cause__ = error
            future.set_exception(refusal)
            # Where the sender has left, nobody asks for it.
            future.exception()


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
