"""Limits of the sockets of a process and of one user. Further ones are accepted and closed with 1013 and a reason.

Accepted, because a browser shows its page no close code before the handshake is complete. An HTTP request counts as a
socket until its response has ended; further ones are answered with 503.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from channels_live.close_codes import CloseCode
from channels_live.server import accept_and_close, log_refusal


def authenticated_user_id(scope: Mapping[str, Any]) -> Hashable | None:
    """Return the primary key of the authenticated user of a scope.

    None for a guest, without authentication, and where a team's own middleware has set a user that is none of Django's.
    """
    user = scope.get("user")
    return getattr(user, "pk", None) if getattr(user, "is_authenticated", False) else None


class ProcessLimit:
    """Lets through as many sockets as MAX_SOCKETS allows the process.

    Under another server than that of channels_live, such as Channels' test tools, nothing is counted.
    """

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        socket = scope.get("channels_live.socket")
        if socket is None or socket.server.admission.enter(socket):
            await self._application(scope, receive, send)
        else:
            await _close(scope, send, "overloaded", "The server is at its capacity; try again later.")


class UserLimit:
    """Lets through as many sockets of one user as MAX_SOCKETS_PER_USER allows in one process.

    ``user_of`` returns from the scope what identifies the user, or None for one without a limit. By default it is the
    authenticated user's primary key, so UserLimit comes after authentication.
    Under another server than that of channels_live nothing is counted.
    """

    def __init__(
        self, application: Any, user_of: Callable[[Mapping[str, Any]], Hashable | None] = authenticated_user_id
    ) -> None:
        self._application = application
        self._user_of = user_of

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        socket = scope.get("channels_live.socket")
        user = None if socket is None else self._user_of(scope)
        if socket is None or user is None or socket.server.admission.claim(socket, user):
            await self._application(scope, receive, send)
        else:
            await _close(scope, send, "sockets_per_user", "Too many connections of this user; close one.")


async def _close(scope: dict[str, Any], send: Any, result: str, reason: str) -> None:
    """Accept, and close with 1013 at once; ``result`` is one of metrics.RESULTS, the reason is for people."""
    log_refusal(scope, result)
    if scope["type"] == "http":
        await accept_and_close(scope, send, CloseCode.TRY_AGAIN_LATER)
        return
    # With a subprotocol that the client offered: otherwise a browser fails the handshake, and its page gets no code.
    scope["channels_live.socket"].accept(next(iter(scope["subprotocols"]), None))
    scope["channels_live.socket"].close_discarding_input(CloseCode.TRY_AGAIN_LATER, reason)
