"""A queue of handshakes: in a reconnect storm that is answered all at once, no handshake is answered in time.

Begun together, each takes as long as all of them. Those that time out come again and their work is lost, so a process
that is once too slow for a storm would never recover from it.
"""

import asyncio
from typing import Protocol


class Handshake(Protocol):
    """See channels_live.server.handshake."""

    def begin_handshake(self) -> None:
        """Ask the application; ``HandshakeQueue.leave`` is called when the handshake has ended."""


class HandshakeQueue:
    """Lets ``most`` handshakes be in progress; the others wait, and begin in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_progress: set[Handshake] = set()
        # As a set that keeps its order.
        self._waiting: dict[Handshake, None] = {}
        self._is_scheduled = False

    def __contains__(self, handshake: Handshake) -> bool:
        return handshake in self._in_progress or handshake in self._waiting

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return len(self._waiting)

    def enter(self, handshake: Handshake) -> None:
        """Begin a handshake, now or when it is its turn."""
        self._waiting[handshake] = None
        self._begin_soon()

    def leave(self, handshake: Handshake) -> None:
        """Let the next one begin: this handshake is answered, or its client has gone. Harmless for any other."""
        self._waiting.pop(handshake, None)
        if handshake in self._in_progress:
            self._in_progress.remove(handshake)
            self._begin_soon()

    def _begin_soon(self) -> None:
        # In the next turn of the event loop: of many clients that disconnect, none is begun whose end was read in this
        # one.
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._is_scheduled = False
        while self._waiting and len(self._in_progress) < self._most:
            handshake = next(iter(self._waiting))
            del self._waiting[handshake]
            self._in_progress.add(handshake)
            handshake.begin_handshake()
