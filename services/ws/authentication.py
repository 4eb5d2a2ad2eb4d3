"""Who opens a WebSocket: the session's user, looked up only where there is a session."""

from importlib import import_module
from typing import Any

from channels.sessions import CookieMiddleware, SessionMiddleware
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils.functional import SimpleLazyObject

from ws.session_user import AuthMiddleware

# Channels' stack calls into a thread and the session's backend also for a visitor without a session.
ANONYMOUS = AnonymousUser()
SessionStore = import_module(settings.SESSION_ENGINE).SessionStore


class SessionOrAnonymous:
    """As channels.auth.AuthMiddlewareStack inside CookieMiddleware; without a session cookie it asks nobody.

    ``scope["session"]`` is an empty one then.
    """

    def __init__(self, inner: Any) -> None:
        self._anonymous = inner
        self._with_session = SessionMiddleware(AuthMiddleware(inner))

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if settings.SESSION_COOKIE_NAME in scope["cookies"]:
            await self._with_session(scope, receive, send)
        else:
            scope["user"] = ANONYMOUS
            scope["session"] = SimpleLazyObject(SessionStore)
            await self._anonymous(scope, receive, send)


def authenticated(inner: Any) -> Any:
    """Wrap an application so that its scope has ``cookies`` and ``user``."""
    return CookieMiddleware(SessionOrAnonymous(inner))
