"""Sessions in the database, under keys such as Django makes and under no others."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS


class SessionStore(db.SessionStore):
    """Django's, without a query for a key that cannot be one: a cookie may hold NUL, which PostgreSQL refuses."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key if set(session_key or "") <= set(VALID_KEY_CHARS) else None)
