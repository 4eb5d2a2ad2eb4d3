"""Reads the project's revocations and notifies the sockets concerned.

Each process reads the table every two seconds, so that it works without Redis too.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from channels_live.database.thread import DatabaseThread
from channels_live.observability import metrics
from channels_live.observability.logs import first_line
from channels_live.revocation.table import RevocationTable, get_table

logger = logging.getLogger(__name__)

READ_SECONDS = 2.0
# Numbers are assigned before the commit, so a row may become visible after rows with higher numbers. It is read if
# that takes no longer than this; Gunicorn ends a request after 30 s.
WINDOW_SECONDS = 60.0
# After so long without a successful read, what was read before may be out of date.
CURRENT_SECONDS = 5.0
PRUNE_SECONDS = 3600.0


class Socket(Protocol):
    """``subjects`` are those that it was opened with."""

    subjects: tuple[str, ...]

    def revoke(self, subjects: frozenset[str]) -> None:
        """Handle the revocation of some of its subjects."""


class Revocations:
    """Reads the table, and notifies each socket that has a revoked subject. ``generation`` rises with each read that
    finds something new, so that a cache of permissions can be dropped with it.

    Without a table ``generation`` stays 0 and ``is_current`` False. ``interval`` is the seconds between two reads,
    ``clock`` returns monotonic seconds.
    """

    def __init__(
        self,
        table: RevocationTable | None,
        interval: float = READ_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.generation = 0
        self._table = table
        self._interval = interval
        self._clock = clock
        self._floor: int | None = None
        # By number: when it was first seen, and its subject.
        self._seen: dict[int, tuple[float, str]] = {}
        self._read_at = self._pruned_at = -CURRENT_SECONDS - PRUNE_SECONDS
        self._is_failing = False
        # A thread of its own: neither an app's code nor a slow authentication backend may delay the reads.
        self._thread = DatabaseThread("revocations")

    @property
    def is_current(self) -> bool:
        """Whether the table was read in the last CURRENT_SECONDS."""
        return self._clock() - self._read_at < CURRENT_SECONDS

    async def watch(self, sockets: Iterable[Socket]) -> None:
        """Read every ``interval`` seconds and notify these sockets; run it as a task. Returns at once without table."""
        while self._table:
            try:
                await self.read(sockets)
            except Exception as error:
                metrics.REVOCATION_READ_ERRORS.inc()
                if not self._is_failing:
                    logger.warning(
                        "Reading revocations failed, sockets of ended logins stay open until it succeeds: %s",
                        first_line(error),
                    )
                self._is_failing = True
            await asyncio.sleep(self._interval)

    async def read(self, sockets: Iterable[Socket]) -> None:
        """Read once, and notify these sockets; raises what the table raises."""
        assert self._table
        started_at = self._clock()
        if self._floor is None:
            self._floor = await self._thread.run(self._table.begin)
        rows = await self._thread.run(self._table.after, self._floor)
        self._read_at = started_at
        if self._is_failing:
            self._is_failing = False
            logger.warning("Reading revocations works again")
        # By subject too: after a failover that lost commits, a number is assigned a second time.
        new = {number: subject for number, subject in rows if self._seen.get(number, (0.0, ""))[1] != subject}
        self._forget(started_at - WINDOW_SECONDS)
        now = self._clock()
        self._seen |= {number: (now, subject) for number, subject in new.items()}
        if new:
            self.generation += 1
            self._notify(tuple(sockets), frozenset(new.values()))
        if started_at - self._pruned_at > PRUNE_SECONDS:
            self._pruned_at = started_at
            await self._thread.run(self._table.prune)

    def opened(self, socket: Socket, handshake_started_at: float) -> None:
        """Notify a new socket of what was revoked since its handshake started; the handshake itself checked the rest.

        ``handshake_started_at`` is the clock's time.
        """
        during = frozenset(subject for seen_at, subject in self._seen.values() if seen_at >= handshake_started_at)
        if during:
            self._notify((socket,), during)

    def _forget(self, before: float) -> None:
        for number, (seen_at, _) in list(self._seen.items()):
            if seen_at < before:
                del self._seen[number]
                self._floor = max(self._floor or 0, number)

    def _notify(self, sockets: Iterable[Socket], subjects: frozenset[str]) -> None:
        for socket in sockets:
            if not subjects.isdisjoint(socket.subjects):
                socket.revoke(subjects.intersection(socket.subjects))


@functools.cache
def get_revocations() -> Revocations:
    """Return the process's one Revocations, of the table that ``CHANNELS_LIVE["REVOCATION_TABLE"]`` names."""
    return Revocations(get_table())
