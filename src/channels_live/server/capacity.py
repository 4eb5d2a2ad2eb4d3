"""Counts the sockets of a process and of each user; channels_live.middleware.capacity enforces the limits."""

from collections.abc import Hashable
from typing import Protocol


class Socket(Protocol):
    """See channels_live.server.protocol."""

    state: int
    STATE_CONNECTING: int


class Admission:
    """Counts sockets from their handshake until they are closed. ``most_of_user`` 0 is unlimited."""

    def __init__(self, most: int, most_of_user: int) -> None:
        self._most = most
        self._most_of_user = most_of_user
        self._users: dict[Socket, Hashable | None] = {}
        self._counts: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._users)

    def enter(self, socket: Socket) -> bool:
        """Count a socket in its handshake; returns False if the process has its maximum."""
        # It is counted already where UserLimit comes before ProcessLimit.
        if len(self._users) - (socket in self._users) >= self._most:
            return False
        # It may be closed before its application started.
        if socket.state == socket.STATE_CONNECTING:
            self._users.setdefault(socket, None)
        return True

    def claim(self, socket: Socket, user: Hashable) -> bool:
        """Count a socket of a user; returns False if the user has the maximum."""
        count = self._counts.get(user, 0)
        if self._most_of_user and count >= self._most_of_user:
            return False
        # It is not counted yet if ProcessLimit is omitted or comes later.
        if socket in self._users or socket.state == socket.STATE_CONNECTING:
            self._users[socket] = user
            self._counts[user] = count + 1
        return True

    def leave(self, socket: Socket) -> None:
        """Stop counting a socket; harmless if it is not counted."""
        user = self._users.pop(socket, None)
        if user is not None:
            self._counts[user] -= 1
            if not self._counts[user]:
                del self._counts[user]

    def user_of(self, socket: Socket) -> Hashable | None:
        """Return the user of a socket, None if it has none."""
        return self._users.get(socket)
