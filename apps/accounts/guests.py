"""Names for visitors who have not logged in, kept in a signed cookie and nowhere else."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "guest"
MAX_AGE_SECONDS = 365 * 24 * 3600
# Without letters and digits that look alike.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class AuthoredRequest(HttpRequest):
    """A request that knows the name its visitor goes by."""

    author: str


class GuestMiddleware:
    """Sets ``request.author``: the user name of who is logged in, else the guest's stable name.

    A new guest gets the cookie with the first page. No database row is made.
    """

    def __init__(self, get_response: Callable[[AuthoredRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: AuthoredRequest) -> HttpResponse:
        if request.user.is_authenticated:
            request.author = request.user.get_username()
            return self.get_response(request)
        known = guest_name(request.COOKIES)
        request.author = known or new_guest_name()
        response = self.get_response(request)
        # Not with an answer of the API: programs keep no cookies.
        if known is None and response.get("Content-Type", "").startswith("text/html"):
            response.set_cookie(
                COOKIE,
                signing.get_cookie_signer(salt=COOKIE).sign(request.author),
                max_age=MAX_AGE_SECONDS,
                httponly=True,
                samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )
        return response


def guest_name(cookies: Mapping[str, str]) -> str | None:
    """Return the name in the guest's cookie; None without one, and for one that was not signed by us."""
    try:
        return signing.get_cookie_signer(salt=COOKIE).unsign(cookies.get(COOKIE, ""))
    except signing.BadSignature:
        return None


def author_of(scope: Mapping[str, Any]) -> str:
    """Return the name of who opened a WebSocket: the user's, the guest's, or a new guest's."""
    if scope["user"].is_authenticated:
        return str(scope["user"].get_username())
    return guest_name(scope["cookies"]) or new_guest_name()


def new_guest_name() -> str:
    """Return a name such as ``guest-k7m2xq``; ASCII, because it goes into a cookie."""
    return "guest-" + "".join(secrets.choice(ALPHABET) for _ in range(6))
