"""Sessions in the database: ``SESSION_ENGINE = "channels_live.sessions"``."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS

__all__ = ["SessionStore"]


class SessionStore(db.SessionStore):
    """Django's, without a query for a key that Django cannot have made.

    A cookie may contain NUL, which PostgreSQL refuses: with Django's own store such a request is a server error.
    """

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key if set(session_key or "") <= set(VALID_KEY_CHARS) else None)
