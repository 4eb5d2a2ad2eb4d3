"""Group commit: whatever arrives while one transaction runs goes into the next."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic

from django.db import Error

from channels_live.database import Kind, kind_of, log_failure
from channels_live.journal import metrics
from channels_live.journal.errors import Overloaded, Unavailable, Unprocessable
from channels_live.journal.journal import EntryModel
from channels_live.journal.models import Draft
from channels_live.observability import tracing

logger = logging.getLogger(__name__)

# Entries of one transaction.
BATCH = 500

Waiting = tuple[Draft, asyncio.Future[EntryModel], tracing.Carrier | None]


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
