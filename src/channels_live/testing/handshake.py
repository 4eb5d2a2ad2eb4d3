"""What a test's client sends with its handshake, and how a refused one is reported."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.cookies import Morsel
from typing import TYPE_CHECKING, Any

from django.db import connections

from channels_live.testing.requirements import require_websockets

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

# Seconds that a handshake may take; a server that starts, or is paused for a moment, takes its time.
HANDSHAKE_SECONDS = 10.0
LEAVE_SECONDS = 2.0
MAX_SHOWN = 500


class HandshakeRefused(Exception):
    """The server has answered a handshake with another status than 101.

    Attributes:
        status: The HTTP status, such as 403.
        body: The body of the answer.
    """

    def __init__(self, url: str, status: int, body: str, log: str) -> None:
        self.status = status
        self.body = body
        text = f"{url} was answered {status}: {body[:MAX_SHOWN].strip() or 'no body'}"
        super().__init__(f"{text}\nThe server's log:\n{log}" if log else text)


@dataclass(frozen=True)
class Handshake:
    """The handshake of a client.

    Attributes:
        url: The address, ``ws://127.0.0.1:20001/ws/feed/news/?after=0``.
        origin: The header Origin, as a browser sends it; None for none, as a program.
        subprotocols: What the client offers, the preferred one first.
        user: Whom to log in: the handshake has the cookie of a new session of this user.
        token: A token for the header ``Authorization: Bearer``.
        cookies: Further cookies, such as ``client.cookies`` of Django's test client.
        headers: Further headers.
        log: Returns what the server has logged of late, for errors.
    """

    url: str
    origin: str | None = None
    subprotocols: Sequence[str] = ()
    user: "AbstractBaseUser | None" = None
    token: str | None = None
    cookies: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    log: Callable[[], str] = lambda: ""

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of ``connect`` of websockets. Blocks on the database where there is a ``user``."""
        require_websockets()
        headers = dict(self.headers or {})
        cookies = {name: _text(value) for name, value in (self.cookies or {}).items()}
        if self.user is not None:
            cookies |= session_cookie(self.user)
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        return {
            "uri": self.url,
            "origin": self.origin,
            "subprotocols": list(self.subprotocols) or None,
            "additional_headers": headers,
            "compression": None,
            "open_timeout": HANDSHAKE_SECONDS,
            "close_timeout": LEAVE_SECONDS,
            # A queue that fills up would make the client slow, which the server closes.
            "max_queue": None,
            # The server is on loopback, where no proxy of the environment leads.
            "proxy": None,
        }

    async def aarguments(self) -> dict[str, Any]:
        """Return the same without blocking the event loop."""
        # Without a user nothing blocks, and a thread of its own has connections to the database that must be closed.
        return self.arguments() if self.user is None else await asyncio.to_thread(self._arguments_in_thread)

    def _arguments_in_thread(self) -> dict[str, Any]:
        try:
            return self.arguments()
        finally:
            connections.close_all()

    def refused(self, error: Any) -> HandshakeRefused:
        """Return what to raise for the InvalidStatus of websockets."""
        body = (error.response.body or b"").decode(errors="replace")
        return HandshakeRefused(self.url, error.response.status_code, body, self.log())


def session_cookie(user: "AbstractBaseUser") -> dict[str, str]:
    """Log a user in as Django's test client does, and return the session's cookie by its name; blocks."""
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)  # type: ignore[arg-type]  # any model of users
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


def _text(value: object) -> str:
    return value.value if isinstance(value, Morsel) else str(value)
