"""The authenticated user of a Django session, of any session engine and any AUTH_USER_MODEL."""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore


class LoginEnded(Exception):
    """The login of the session is no longer valid; ``reason`` is ``user`` (deleted or inactive) or ``hash``.

    ``hash``: the password has changed, or the secret key under which the user logged in is no longer accepted.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownSession(Exception):
    """This process cannot verify the session, though another perhaps can: their settings differ.

    ``reason`` is ``undecodable`` (another ``SECRET_KEY`` or ``SESSION_SERIALIZER``) or ``backend`` (not in
    ``AUTHENTICATION_BACKENDS``); ``detail`` names the backend.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def load(session_key: str) -> tuple[SessionBase, AbstractBaseUser | AnonymousUser]:
    """Return the session of a cookie and its authenticated user. Blocks.

    One that has ended, by logging out or by its age, is an empty session of AnonymousUser, as in Django's middleware.
    Raises LoginEnded and UnknownSession.
    """
    # PostgreSQL refuses NUL, which no key contains.
    session: SessionBase = SessionStore(None if "\0" in session_key else session_key)
    # Django forgets the key of a session that is not there, and keeps that of one that it cannot decode. Its middleware
    # never stores an empty one.
    if not list(session.keys()) and session.session_key == session_key:
        raise UnknownSession("undecodable")
    return session, user_of(session)


def user_of(session: SessionBase) -> AbstractBaseUser | AnonymousUser:
    """Return the user who logged in, under the current or an older secret key; AnonymousUser without a login.

    Unlike channels.auth.get_user of Channels 4.3, which ignores ``SECRET_KEY_FALLBACKS`` and deletes a session that was
    made under an older key, it changes nothing: Django renews or ends the session with the next page. Raises LoginEnded
    and UnknownSession. Blocks.
    """
    if SESSION_KEY not in session:
        return AnonymousUser()
    backend_path = session.get(BACKEND_SESSION_KEY, "")
    if backend_path not in settings.AUTHENTICATION_BACKENDS:
        raise UnknownSession("backend", backend_path)
    try:
        user_id = get_user_model()._meta.pk.to_python(session[SESSION_KEY])
    except ValidationError:
        raise UnknownSession("undecodable") from None
    user = load_backend(backend_path).get_user(user_id)
    if user is None:
        raise LoginEnded("user")
    stored = session.get(HASH_SESSION_KEY, "")
    accepted = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    if not any(constant_time_compare(stored, expected) for expected in accepted):
        raise LoginEnded("hash")
    return user
