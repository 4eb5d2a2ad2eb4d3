"""Handshakes take turns: a crowd that comes at once would else be answered by nobody in time.

Begun all together, each takes as long as all. Those that run into the timeout come again, the work on them is lost, and
a process that is too slow for the crowd once never gets out of it.
"""

import asyncio
from typing import Protocol


class Opening(Protocol):
    """See channels_live.server.handshake."""

    def begin_handshake(self) -> None:
        """Ask the application; the queue is told of the end by ``leave``."""


class HandshakeQueue:
    """Lets ``most`` handshakes be in progress; the others wait, and begin in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_progress: set[Opening] = set()
        # As a set that keeps its order.
        self._waiting: dict[Opening, None] = {}
        self._is_due = False

    def __contains__(self, opening: Opening) -> bool:
        return opening in self._in_progress or opening in self._waiting

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return len(self._waiting)

    def enter(self, opening: Opening) -> None:
        """Begin a handshake, now or when it is its turn."""
        self._waiting[opening] = None
        self._begin_soon()

    def leave(self, opening: Opening) -> None:
        """Give its place to the next: the handshake is answered, or its client has gone. Harmless for any other."""
        self._waiting.pop(opening, None)
        if opening in self._in_progress:
            self._in_progress.remove(opening)
            self._begin_soon()

    def _begin_soon(self) -> None:
        # In the next turn of the event loop: of a crowd that leaves, none is begun whose end was read in this one.
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._is_due = False
        while self._waiting and len(self._in_progress) < self._most:
            opening = next(iter(self._waiting))
            del self._waiting[opening]
            self._in_progress.add(opening)
            opening.begin_handshake()
