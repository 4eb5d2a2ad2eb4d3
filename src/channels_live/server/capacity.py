"""How many sockets a process takes, and how many of one user. One more is accepted, told why, and closed with 1013.

Accepted, because before the handshake is done a browser is told no code at all.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Protocol

from channels_live.close_codes import CloseCode
from channels_live.server.refusals import log_refusal


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
        if len(self._users) >= self._most:
            return False
        # It may have gone before its application began.
        if socket.state == socket.STATE_CONNECTING:
            self._users[socket] = None
        return True

    def claim(self, socket: Socket, user: Hashable) -> bool:
        """Count a socket as one of a user's; False where the user has as many as may be."""
        count = self._counts.get(user, 0)
        if self._most_of_user and count >= self._most_of_user:
            return False
        if socket in self._users:
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


class ProcessLimit:
    """Lets no more sockets through than the process takes."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        # There is none under another server, such as Channels' test tools.
        socket = scope.get("channels_live.socket")
        if socket is None or socket.server.admission.enter(socket):
            await self._application(scope, receive, send)
        else:
            turn_away(scope, "overloaded", "The server has as many visitors as it can take; try again later.")


class UserLimit:
    """Lets no more sockets of one user through than one may have.

    ``user_of`` returns from the scope what tells one user from another; None for somebody who cannot be told.
    """

    def __init__(self, application: Any, user_of: Callable[[Mapping[str, Any]], Hashable | None]) -> None:
        self._application = application
        self._user_of = user_of

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        socket = scope.get("channels_live.socket")
        user = None if socket is None else self._user_of(scope)
        if socket is None or user is None or socket.server.admission.claim(socket, user):
            await self._application(scope, receive, send)
        else:
            turn_away(scope, "sockets_per_user", "You have too many windows or programs open; close one.")


def turn_away(scope: dict[str, Any], result: str, reason: str) -> None:
    """Accept, and close with 1013 at once; ``result`` is one of metrics.RESULTS, the reason for people."""
    log_refusal(scope, result)
    # One that the client offered: without it a browser fails the handshake, and knows no code either.
    scope["channels_live.socket"].accept(next(iter(scope["subprotocols"]), None))
    scope["channels_live.socket"].close_discarding_input(CloseCode.TRY_AGAIN_LATER, reason)
