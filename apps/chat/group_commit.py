"""Group commit: whatever arrives while one transaction runs goes into the next."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from django.db import Error

from channels_live.database import Kind, kind_of, log_failure
from channels_live.observability import tracing
from chat import metrics
from chat.journal import Draft, Stored

logger = logging.getLogger(__name__)

BATCH = 500


class Overloaded(Exception):
    """The queue is full; nothing was stored, and the sender may try again."""


class Unavailable(Exception):
    """The database does not answer, or stores nothing. The sender may send again under the same id."""


class Unprocessable(Exception):
    """The database takes everything but this draft. Sending it again would change nothing."""


Waiting = tuple[Draft, asyncio.Future[Stored], tracing.Carrier | None]


class GroupCommit:
    """Appends to the journal from one process' event loop, one transaction at a time.

    ``append`` stores a batch; see chat.journal.append. ``limit`` is the number of messages that may wait.
    ``committed`` is called with each newly stored message, in the order of their numbers.
    """

    def __init__(
        self,
        append: Callable[[Sequence[Draft]], Awaitable[list[Stored]]],
        limit: int,
        committed: Callable[[Stored], None],
    ) -> None:
        self._append = append
        self._limit = limit
        self._committed = committed
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def append(self, draft: Draft) -> Stored:
        """Return the message once it is committed; raises Overloaded, Unavailable or Unprocessable."""
        if len(self._waiting) >= self._limit:
            metrics.JOURNAL_REFUSED.labels("overloaded").inc()
            raise Overloaded
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        with tracing.span("journal append"):
            self._waiting.append((draft, future, tracing.carrier()))
            metrics.JOURNAL_QUEUE.set(len(self._waiting))
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._commit_all())
            # A sender that leaves meanwhile takes nothing back.
            return await asyncio.shield(future)

    async def _commit_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            metrics.JOURNAL_QUEUE.set(len(self._waiting))
            metrics.JOURNAL_BATCH.observe(len(batch))
            await self._commit(batch)

    async def _commit(self, batch: list[Waiting]) -> None:
        """Store the batch. Where a draft of it is at fault, the others are stored, in their order."""
        try:
            with metrics.JOURNAL_COMMIT_DURATION.time():
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

    def _publish(self, batch: list[Waiting], stored: list[Stored]) -> None:
        published: set[Stored] = set()
        for (_, future, carrier), message in zip(batch, stored, strict=True):
            if message.is_new and message not in published:
                published.add(message)
                with tracing.span("publish", carrier):
                    self._committed(message)
            if not future.done():
                future.set_result(message)


def _refuse(batch: list[Waiting], error: Exception, reason: str, refusal_class: type[Exception]) -> None:
    metrics.JOURNAL_REFUSED.labels(reason).inc(len(batch))
    if isinstance(error, Error | UnicodeError):
        log_failure(logger, "Messages were refused, the journal does not store them", error)
    else:
        logger.error("%d messages were refused", len(batch), exc_info=error)
    for _, future, _ in batch:
        if not future.done():
            refusal = refusal_class()
            refusal.__cause__ = error
            future.set_exception(refusal)
            # Where the sender has left, nobody asks for it.
            future.exception()
