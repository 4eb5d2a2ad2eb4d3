"""Pings: finds the sockets whose client is gone without a word, and keeps proxies from cutting off the silent ones."""

import time
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Protocol


class Socket(Protocol):
    """``heard`` is the monotonic time of the last bytes received."""

    heard: float

    def sendPing(self) -> None:
        """Send a ping frame."""

    def dropConnection(self, abort: bool) -> None:
        """End the TCP connection."""


class Keepalive:
    """The open sockets of a process, spread over the seconds of the ping interval.

    A tick looks only at the sockets whose second it is: one that was silent for half the interval is pinged, and
    dropped where it stays silent for ``timeout`` seconds after that.
    """

    def __init__(self, interval: int, timeout: int) -> None:
        self._silence = interval / 2
        self._timeout = timeout
        self._seconds: list[set[Socket]] = [set() for _ in range(interval)]
        self._ticks = 0
        self._pinged: deque[tuple[float, list[Socket]]] = deque()

    def __len__(self) -> int:
        return sum(map(len, self._seconds))

    def __iter__(self) -> Iterator[Socket]:
        return chain.from_iterable(self._seconds)

    def add(self, socket: Socket) -> None:
        """Watch a socket."""
        self._second(socket).add(socket)

    def discard(self, socket: Socket) -> None:
        """Watch it no more."""
        self._second(socket).discard(socket)

    def tick(self) -> None:
        """Ping the silent, and drop who did not answer; call it every second."""
        now = time.monotonic()
        sockets = self._seconds[self._ticks % len(self._seconds)]
        self._ticks += 1
        pinged = [socket for socket in sockets if now - socket.heard >= self._silence]
        for socket in pinged:
            socket.sendPing()
        self._pinged.append((now, pinged))
        while self._pinged[0][0] <= now - self._timeout:
            then, waiting = self._pinged.popleft()
            for socket in waiting:
                if socket.heard < then:
                    socket.dropConnection(abort=True)

    def _second(self, socket: Socket) -> set[Socket]:
        # The hash of a tuple, because addresses of objects are multiples of their size.
        return self._seconds[hash((id(socket),)) % len(self._seconds)]
