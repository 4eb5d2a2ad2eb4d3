"""The open sockets of a process. Pings find those whose client is gone; old ones are closed, so that they reconnect."""

import time
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Protocol

from channels_live.close_codes import CloseCode


class Socket(Protocol):
    """What the registry, the drain and revocations use of a socket; channels_live.server.protocol implements it.

    ``last_received_at`` is the monotonic time of the last bytes received, ``socket_opened`` the Unix time of the
    handshake. ``is_paused`` says that nothing is read from it for now. ``subjects`` are what it was opened with; see
    channels_live.revocation.watcher.
    """

    last_received_at: float
    is_paused: bool
    socket_opened: float
    subjects: tuple[str, ...]

    def unsent(self) -> object:
        """Return what the other side has not received yet, None if it has received everything."""

    def acknowledged(self) -> int | None:
        """Return how many bytes the other side has received so far, None if unknown."""

    def sendPing(self) -> None:
        """Send a ping frame."""

    def dropConnection(self, abort: bool) -> None:
        """End the TCP connection."""

    def close(self, code: int) -> None:
        """Close now."""

    def close_gracefully(self, code: int) -> None:
        """Close once what the client has sent is answered."""

    def revoke(self, subjects: frozenset[str]) -> None:
        """Handle the revocation of some of the subjects."""


class Registry:
    """Sockets, spread over the seconds of the ping interval; a tick checks only those of its second.

    A socket that was silent for half the interval is pinged, and dropped if it stays silent for another ``timeout``
    seconds, unless it still receives what was sent before the ping. A socket that is older than ``max_age`` seconds,
    give or take a tenth, is closed with 1012; 0 is unlimited.
    """

    def __init__(self, interval: int, timeout: int, max_age: int = 0) -> None:
        self._silence = interval / 2
        self._timeout = timeout
        self._max_age = max_age
        self._seconds: list[set[Socket]] = [set() for _ in range(interval)]
        self._ticks = 0
        self._pinged: deque[tuple[float, list[Socket]]] = deque()
        # Sockets that read slowly: when a pong was due, and how many bytes were received by then.
        self._received: dict[Socket, tuple[float, int]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._seconds))

    def __iter__(self) -> Iterator[Socket]:
        return chain.from_iterable(self._seconds)

    def add(self, socket: Socket) -> None:
        """Ping a socket and limit its age from now on."""
        self._second(socket).add(socket)

    def discard(self, socket: Socket) -> None:
        """Remove a socket, if it is registered."""
        self._second(socket).discard(socket)
        self._received.pop(socket, None)

    def tick(self) -> None:
        """Ping silent sockets, drop those that did not answer, and close old ones; call it every second."""
        now = time.monotonic()
        sockets = self._seconds[self._ticks % len(self._seconds)]
        self._ticks += 1
        pinged = [socket for socket in sockets if now - socket.last_received_at >= self._silence]
        for socket in pinged:
            socket.sendPing()
        self._pinged.append((now, pinged))
        while self._pinged[0][0] <= now - self._timeout:
            pinged_at, waiting = self._pinged.popleft()
            for socket in waiting:
                if socket.last_received_at >= pinged_at:
                    self._received.pop(socket, None)
                elif not socket.is_paused:
                    self._drop_unless_it_receives(socket, now)
        if self._max_age:
            self._close_old(sockets)

    def _drop_unless_it_receives(self, socket: Socket, now: float) -> None:
        checked_at, before = self._received.get(socket, (0.0, None))
        if now < checked_at + self._timeout:
            return  # it is checked again then
        # Not the unsent bytes, to which each further ping to a vanished host adds.
        received = socket.acknowledged()
        if socket.unsent() is None or received in (None, before) or socket not in self._second(socket):
            socket.dropConnection(abort=True)
        else:
            assert received is not None
            self._received[socket] = now, received
            self._pinged.append((now, [socket]))

    def _close_old(self, sockets: set[Socket]) -> None:
        now = time.time()
        for socket in tuple(sockets):
            # Each socket has its own share of the tenth, so that those opened together are not closed together.
            jitter = 0.9 + _share(socket) * 0.2
            if now - socket.socket_opened > self._max_age * jitter:
                socket.close_gracefully(CloseCode.SERVICE_RESTART)

    def _second(self, socket: Socket) -> set[Socket]:
        return self._seconds[int(_share(socket) * len(self._seconds))]


def _share(socket: Socket) -> float:
    """Return a number from 0 to below 1 that does not change while the socket exists."""
    # The hash of a tuple, because addresses of objects are multiples of their size.
    return hash((id(socket),)) % 65536 / 65536
