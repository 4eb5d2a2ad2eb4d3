"""Sockets that are closed because what let them in holds no more: a session, a password, a place in a room.

An app writes subjects into a table (accounts.revocations); each process reads it every two seconds, so that it
works without Redis too. What a socket was opened with stands in its ``subjects``.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Iterable
from typing import Protocol

from channels_live.database.thread import DatabaseThread
from channels_live.observability import metrics
from channels_live.observability.logs import first_line
from channels_live.server.registry import Socket as OpenSocket

logger = logging.getLogger(__name__)

READ_SECONDS = 2.0
# Numbers are given before the commit: a row may become visible after others with higher numbers. It is looked for
# this long; Gunicorn ends a request after 30 s.
WINDOW_SECONDS = 60.0
# Without a successful read for so long nobody knows what holds.
CURRENT_SECONDS = 5.0
PRUNE_SECONDS = 3600.0


class Socket(OpenSocket, Protocol):
    """``handshake_started_at`` is the monotonic time at which its handshake came; needed until ``opened``."""

    handshake_started_at: float


class Table(Protocol):
    """Where an app keeps its revocations. The functions block."""

    def begin(self) -> int:
        """Return a number before all revocations that may still be news."""

    def after(self, number: int) -> list[tuple[int, str]]:
        """Return number and subject of the revocations with a higher number."""

    def prune(self) -> None:
        """Delete the old ones."""


class Revocations:
    """Reads the table, and tells each socket that is concerned. ``generation`` rises with everything new."""

    def __init__(self) -> None:
        self.table: Table | None = None
        self.generation = 0
        self._floor: int | None = None
        # By number: when it was first seen, and its subject.
        self._seen: dict[int, tuple[float, str]] = {}
        self._read_at = self._pruned_at = -CURRENT_SECONDS - PRUNE_SECONDS
        self._is_failing = False
        # Of their own: neither an app's code nor the backend of a login may hold them up.
        self._thread = DatabaseThread("revocations")

    @property
    def is_current(self) -> bool:
        """Whether the table was read in the last CURRENT_SECONDS."""
        return time.monotonic() - self._read_at < CURRENT_SECONDS

    async def watch(self, sockets: Iterable[OpenSocket]) -> None:
        """Read for ever, and tell these sockets; run it as a task. Without a table there is nothing to do."""
        while self.table:
            try:
                await self.read(sockets)
            except Exception as error:
                metrics.REVOCATION_READ_ERRORS.inc()
                if not self._is_failing:
                    logger.warning("Revocations cannot be read, sockets stay open: %s", first_line(error))
                self._is_failing = True
            await asyncio.sleep(READ_SECONDS)

    async def read(self, sockets: Iterable[OpenSocket]) -> None:
        """Read once; raises what the table raises."""
        assert self.table
        begun = time.monotonic()
        if self._floor is None:
            self._floor = await self._thread.run(self.table.begin)
        rows = await self._thread.run(self.table.after, self._floor)
        self._read_at = begun
        if self._is_failing:
            self._is_failing = False
            logger.warning("Revocations are read again")
        # By subject too: after a failover that lost commits, a number is given a second time.
        new = {number: subject for number, subject in rows if self._seen.get(number, (0.0, ""))[1] != subject}
        self._forget(begun - WINDOW_SECONDS)
        now = time.monotonic()
        self._seen |= {number: (now, subject) for number, subject in new.items()}
        if new:
            self.generation += 1
            self._tell(tuple(sockets), frozenset(new.values()))
        if begun - self._pruned_at > PRUNE_SECONDS:
            self._pruned_at = begun
            await self._thread.run(self.table.prune)

    def opened(self, socket: Socket) -> None:
        """Tell a socket of what was revoked during its handshake; what was before, the handshake has seen."""
        started_at = socket.handshake_started_at
        during = frozenset(subject for seen_at, subject in self._seen.values() if seen_at >= started_at)
        self._tell((socket,), during)

    def _forget(self, before: float) -> None:
        for number, (seen_at, _) in list(self._seen.items()):
            if seen_at < before:
                del self._seen[number]
                self._floor = max(self._floor or 0, number)

    def _tell(self, sockets: Iterable[OpenSocket], subjects: frozenset[str]) -> None:
        for socket in sockets:
            if not subjects.isdisjoint(socket.subjects):
                socket.revoke(subjects.intersection(socket.subjects))


@functools.cache
def revocations() -> Revocations:
    """Return the process' one Revocations."""
    return Revocations()
