"""Who opens a WebSocket: a token's user, a ticket's, a session's, or a guest.

Who brings a token or a ticket that is worth nothing is refused, and never let in as a guest without noticing.
"""

from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.sessions import CookieMiddleware, SessionMiddleware
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils.functional import SimpleLazyObject

from accounts import revocations, tickets, tokens
from accounts.models import User
from base.request_id import header
from ws.handshakes import LOGIN_NEEDED, accept_and_close, deny, log_refusal
from ws.session_user import AuthMiddleware

# Channels' stack calls into a thread and the session's backend also for a visitor without a session.
ANONYMOUS = AnonymousUser()
SessionStore = import_module(settings.SESSION_ENGINE).SessionStore


class TokenTicketOrSession:
    """Sets ``user`` and ``session`` in the scope, and gives the socket the subjects that it ends with.

    As channels.auth.AuthMiddlewareStack inside CookieMiddleware, with tokens and tickets; it asks the database only
    where a visitor brings something. ``scope["session"]`` is an empty one without a session cookie.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._with_session = SessionMiddleware(AuthMiddleware(self._with_user))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        token = tokens.bearer_in(header(scope, b"authorization") or "")
        ticket = ticket_of(scope) if token is None else None
        if token is None and ticket is None and settings.SESSION_COOKIE_NAME in scope["cookies"]:
            await self._with_session(scope, receive, send)
            return
        scope["user"] = ANONYMOUS
        scope["session"] = SimpleLazyObject(SessionStore)
        subjects: tuple[str, ...] = ()
        if token is not None or ticket is not None:
            read = (by_token, token) if token is not None else (tickets.consume, ticket)
            found = await database_sync_to_async(read[0])(read[1])
            if found is None:
                log_refusal(scope, "auth", credential="token" if ticket is None else "ticket")
                await deny(send, 401, (b"WWW-Authenticate", b"Bearer"))
                return
            scope["user"], subjects = found
        await self._enter(scope, receive, send, subjects)

    async def _with_user(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        subjects: tuple[str, ...] = ()
        if scope["user"].is_authenticated:
            session = revocations.session_subject(scope["session"].session_key)
            subjects = (session, revocations.user_subject(scope["user"]))
        await self._enter(scope, receive, send, subjects)

    async def _enter(self, scope: dict[str, Any], receive: Any, send: Any, subjects: tuple[str, ...]) -> None:
        if not (settings.ALLOW_GUESTS or scope["user"].is_authenticated):
            log_refusal(scope, "auth")
            await accept_and_close(scope, send, LOGIN_NEEDED)
            return
        if subjects and "ws.socket" in scope:
            scope["ws.socket"].subjects = subjects
        await self._inner(scope, receive, send)


def by_token(token: str) -> tuple[User, tuple[str, ...]] | None:
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
