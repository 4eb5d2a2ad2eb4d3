"""Counts the sockets of a process, and those of each user; channels_live.middleware.capacity refuses one more."""

from collections.abc import Hashable
from typing import Protocol


class Socket(Protocol):
    """See channels_live.server.protocol."""

    state: int
    STATE_CONNECTING: int


class Admission:
    """Counts sockets from their handshake to their end. ``most_of_user`` 0 is no limit."""

    def __init__(self, most: int, most_of_user: int) -> None:
        self._most = most
        self._most_of_user = most_of_user
        self._users: dict[Socket, Hashable | None] = {}
        self._counts: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._users)

    def enter(self, socket: Socket) -> bool:
        """Count a socket in its handshake; False where there are as many as may be."""
        # It is counted already where UserLimit comes before ProcessLimit.
        if len(self._users) - (socket in self._users) >= self._most:
            return False
        # It may have gone before its application began.
        if socket.state == socket.STATE_CONNECTING:
            self._users.setdefault(socket, None)
        return True

    def claim(self, socket: Socket, user: Hashable) -> bool:
        """Count a socket as one of a user's; False where the user has as many as may be."""
        count = self._counts.get(user, 0)
        if self._most_of_user and count >= self._most_of_user:
            return False
        # It is not counted yet where ProcessLimit is left out, or comes later.
        if socket in self._users or socket.state == socket.STATE_CONNECTING:
            self._users[socket] = user
            self._counts[user] = count + 1
        return True

    def leave(self, socket: Socket) -> None:
        """Count a socket no more, if it is counted."""
        user = self._users.pop(socket, None)
        if user is not None:
            self._counts[user] -= 1
            if not self._counts[user]:
                del self._counts[user]

    def user_of(self, socket: Socket) -> Hashable | None:
        """Return whose socket it is; None for nobody who is known."""
        return self._users.get(socket)
