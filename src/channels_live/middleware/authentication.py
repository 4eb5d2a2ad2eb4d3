"""Authenticates a handshake: by a credential of the project, such as an API token, by the session, or as a guest.

A credential or a session that is invalid is refused, and never let in as a guest without noticing.
"""

import functools
import logging
import time
from collections.abc import Sequence
from typing import Any

from channels.sessions import CookieMiddleware
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, InterfaceError
from django.utils.functional import SimpleLazyObject

from channels_live.close_codes import CloseCode
from channels_live.conf import live_settings
from channels_live.database.thread import DatabaseThread
from channels_live.middleware.credentials import CredentialBackend, load_credentials
from channels_live.middleware.session_user import LoginEnded, SessionStore, UnknownSession, load
from channels_live.observability.logs import first_line
from channels_live.revocation import add_subjects, session_subject, user_subject
from channels_live.server import accept_and_close, deny, log_refusal

logger = logging.getLogger(__name__)

# Seconds. Every open page reconnects again and again with a session that cannot be verified.
UNKNOWN_LOGGED_EVERY = 60.0


@functools.cache
def get_authentication_thread() -> DatabaseThread:
    """Return the thread for credentials. An app's code cannot block it, as it can that of database_sync_to_async."""
    return DatabaseThread("authentication")


class AuthenticationMiddleware:
    """Sets ``cookies``, ``user`` and ``session`` in the scope, and adds the subjects with which the socket ends.

    Instead of channels.auth.AuthMiddlewareStack: with the project's own credentials, in a thread of its own, and it
    asks the database only where the handshake presents something. ``credentials`` are the backends that are asked
    before the session, those of ``CHANNELS_LIVE["CREDENTIALS"]`` by default. ``allow_guests`` lets visitors in who
    are not logged in, as AnonymousUser; the setting ALLOW_GUESTS by default.
    ``scope["session"]`` is an empty one without a session cookie. A consumer that changes it saves it itself, as with
    Channels.

    An invalid credential is answered with 401. A session whose login has ended is closed with 4401, as is a guest where
    there are none; one that this process cannot verify, and any while the database does not answer, with 1013.
    """

    def __init__(
        self,
        application: Any,
        credentials: Sequence[CredentialBackend] | None = None,
        allow_guests: bool | None = None,
    ) -> None:
        self._application = application
        self._credentials = load_credentials() if credentials is None else credentials
        self._allow_guests = live_settings.ALLOW_GUESTS if allow_guests is None else allow_guests
        self._call_with_cookies = CookieMiddleware(self._authenticate)
        # By reason: when it was last logged.
        self._logged_at: dict[str, float] = {}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await self._call_with_cookies(scope, receive, send)

    async def _authenticate(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        # One for each socket, since a consumer may set attributes of it.
        scope["user"] = AnonymousUser()
        scope["session"] = SimpleLazyObject(SessionStore)
        try:
            for backend in self._credentials:
                if (credential := backend.find(scope)) is not None:
                    identity = await get_authentication_thread().run(backend.authenticate, credential)
                    if identity is None:
                        log_refusal(scope, "auth", credential=backend.name)
                        await deny(scope, send, 401, (b"WWW-Authenticate", b"Bearer"))
                        return
                    scope["user"], subjects = identity
                    break
            else:
                subjects = await self._load_session(scope)
        except LoginEnded as ended:
            log_refusal(scope, "auth", credential="session", cause=ended.reason)
            await accept_and_close(scope, send, CloseCode.LOGIN_REQUIRED)
        except UnknownSession as unknown:
            self._log(unknown)
            log_refusal(scope, "session", cause=unknown.reason)
            await accept_and_close(scope, send, CloseCode.TRY_AGAIN_LATER)
        except (DatabaseError, InterfaceError) as error:
            log_refusal(scope, "unavailable", cause=first_line(error))
            await accept_and_close(scope, send, CloseCode.TRY_AGAIN_LATER)
        else:
            await self._enter(scope, receive, send, subjects)

    async def _load_session(self, scope: dict[str, Any]) -> tuple[str, ...]:
        session_key = scope["cookies"].get(settings.SESSION_COOKIE_NAME)
        if not session_key:
            return ()
        scope["session"], scope["user"] = await get_authentication_thread().run(load, session_key)
        if not scope["user"].is_authenticated:
            return ()
        return session_subject(session_key), user_subject(scope["user"])

    async def _enter(self, scope: dict[str, Any], receive: Any, send: Any, subjects: tuple[str, ...]) -> None:
        if not (self._allow_guests or scope["user"].is_authenticated):
            log_refusal(scope, "auth")
            await accept_and_close(scope, send, CloseCode.LOGIN_REQUIRED)
            return
        if subjects:
            add_subjects(scope, *subjects)
        await self._application(scope, receive, send)

    def _log(self, unknown: UnknownSession) -> None:
        now = time.monotonic()
        if now - self._logged_at.get(unknown.reason, -UNKNOWN_LOGGED_EVERY) < UNKNOWN_LOGGED_EVERY:
            return
        self._logged_at[unknown.reason] = now
        if unknown.reason == "backend":
            logger.error(
                "Handshake refused, a session of the backend %.200r cannot be verified: AUTHENTICATION_BACKENDS of "
                "this process does not contain it; set the same in all processes",
                unknown.detail,
            )
        else:
            logger.error(
                "Handshake refused, a session cannot be decoded: "
                "set the same SECRET_KEY, SECRET_KEY_FALLBACKS and SESSION_SERIALIZER in all processes"
            )
