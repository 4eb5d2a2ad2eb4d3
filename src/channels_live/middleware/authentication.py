"""Who opens a WebSocket: a token's user, a ticket's, a session's, or a guest.

Who brings a token, a ticket or a session that proves nobody is refused, and never let in as a guest without noticing.
"""

import functools
import logging
import time
from typing import Any
from urllib.parse import parse_qs

from channels.sessions import CookieMiddleware
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, InterfaceError
from django.utils.functional import SimpleLazyObject

from accounts import revocations, tickets, tokens
from accounts.models import User
from channels_live.conf import live_settings
from channels_live.database.thread import DatabaseThread
from channels_live.middleware.session_user import LoginEnded, SessionStore, UnknownSession, load
from channels_live.observability.logs import first_line
from channels_live.observability.request_id import header
from channels_live.server.refusals import LOGIN_NEEDED, accept_and_close, deny, log_refusal
from channels_live.server.writer import TRY_AGAIN_LATER

logger = logging.getLogger(__name__)

# Channels' stack calls into a thread and the session's backend also for a visitor without a session.
ANONYMOUS = AnonymousUser()
# Seconds. Every page that is open comes back again and again with a session that cannot be judged.
UNKNOWN_LOGGED_EVERY = 60.0

Found = tuple[User, tuple[str, ...]]


@functools.cache
def authentication_thread() -> DatabaseThread:
    """Return the thread for credentials. An app's code cannot block it, as it can that of database_sync_to_async."""
    return DatabaseThread("authentication")


class TokenTicketOrSession:
    """Sets ``user`` and ``session`` in the scope, and gives the socket the subjects that it ends with.

    Instead of channels.auth.AuthMiddlewareStack, inside CookieMiddleware: with tokens and tickets, in a thread of its
    own, and it asks the database only where a visitor brings something. ``scope["session"]`` is an empty one without
    a session cookie. What a consumer changes in it, it saves itself, as with Channels.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        # By reason: when it was last logged.
        self._logged_at: dict[str, float] = {}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        scope["user"] = ANONYMOUS
        scope["session"] = SimpleLazyObject(SessionStore)
        token = tokens.bearer_in(header(scope, b"authorization") or "")
        ticket = ticket_of(scope) if token is None else None
        try:
            if token is not None or ticket is not None:
                found = await self._by_token_or_ticket(token, ticket)
                if found is None:
                    log_refusal(scope, "auth", credential="token" if ticket is None else "ticket")
                    await deny(send, 401, (b"WWW-Authenticate", b"Bearer"))
                    return
                scope["user"], subjects = found
            else:
                subjects = await self._by_session(scope)
        except LoginEnded as ended:
            log_refusal(scope, "auth", credential="session", cause=ended.reason)
            await accept_and_close(scope, send, LOGIN_NEEDED)
        except UnknownSession as unknown:
            self._log(unknown)
            log_refusal(scope, "session", cause=unknown.reason)
            await accept_and_close(scope, send, TRY_AGAIN_LATER)
        except (DatabaseError, InterfaceError) as error:
            log_refusal(scope, "unavailable", cause=first_line(error))
            await accept_and_close(scope, send, TRY_AGAIN_LATER)
        else:
            await self._enter(scope, receive, send, subjects)

    async def _by_token_or_ticket(self, token: str | None, ticket: str | None) -> Found | None:
        if token is not None:
            return await authentication_thread().run(by_token, token)
        assert ticket is not None
        return await authentication_thread().run(tickets.consume, ticket)

    async def _by_session(self, scope: dict[str, Any]) -> tuple[str, ...]:
        session_key = scope["cookies"].get(settings.SESSION_COOKIE_NAME)
        if not session_key:
            return ()
        scope["session"], scope["user"] = await authentication_thread().run(load, session_key)
        if not scope["user"].is_authenticated:
            return ()
        return revocations.session_subject(session_key), revocations.user_subject(scope["user"])

    async def _enter(self, scope: dict[str, Any], receive: Any, send: Any, subjects: tuple[str, ...]) -> None:
        if not (live_settings.ALLOW_GUESTS or scope["user"].is_authenticated):
            log_refusal(scope, "auth")
            await accept_and_close(scope, send, LOGIN_NEEDED)
            return
        if subjects and "channels_live.socket" in scope:
            scope["channels_live.socket"].subjects = subjects
        await self._inner(scope, receive, send)

    def _log(self, unknown: UnknownSession) -> None:
        now = time.monotonic()
        if now - self._logged_at.get(unknown.reason, -UNKNOWN_LOGGED_EVERY) < UNKNOWN_LOGGED_EVERY:
            return
        self._logged_at[unknown.reason] = now
        if unknown.reason == "backend":
            logger.error(
                "A session of the backend %.200r cannot be judged, its socket is refused: "
                "AUTHENTICATION_BACKENDS of ws does not name it; services/base/settings.py is for both services",
                unknown.detail,
            )
        else:
            logger.error(
                "A session cannot be decoded, its socket is refused: "
                "SECRET_KEY, SECRET_KEY_FALLBACKS and SESSION_SERIALIZER must be the same in web and ws"
            )


def by_token(token: str) -> Found | None:
    """Return whose API token it is, and the subjects that a socket opened with it ends with. Blocks."""
    found = tokens.find(token)
    if found is None:
        return None
    return found.user, (revocations.token_subject(found), revocations.user_subject(found.user))


def ticket_of(scope: dict[str, Any]) -> str | None:
    """Return the ticket in the query string, which may be wrong; None without one."""
    if b"ticket" not in scope["query_string"]:
        return None
    given = parse_qs(scope["query_string"].decode("latin1"), keep_blank_values=True).get("ticket")
    return given[-1] if given else None


def authenticated(inner: Any) -> Any:
    """Wrap an application so that its scope has ``cookies``, ``user`` and ``session``."""
    return CookieMiddleware(TokenTicketOrSession(inner))
