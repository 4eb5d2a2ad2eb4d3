"""Names of guests, visitors who have not logged in. They are stored in a signed cookie only."""

import logging
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from django.conf import settings
from django.contrib.auth import SESSION_KEY, middleware
from django.core import signing
from django.core.exceptions import MiddlewareNotUsed, ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from accounts.unicode import is_of_one_script
from accounts.unicode.sequences import has_hidden_characters
from accounts.usernames import is_like_a_guest, mixes_scripts
from channels_live.conf import live_settings

logger = logging.getLogger(__name__)

COOKIE = "guest"
MAX_AGE_SECONDS = 365 * 24 * 3600
# Without letters and digits that look alike.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
TAG_CHARS = 6
TAG = re.compile(r"(?:guest-|#)([a-z0-9]{6})\Z")
CHOSEN_MAX_CHARS = 30
# The sharp sign and others that look like the # before the tag; those that NFKC makes a # of are found by it.
HASHES = set("#♯⋕")


# Seconds. Any client can send such a cookie, and all open pages reconnect with it.
UNKNOWN_LOGGED_EVERY = 60.0
_unknown_logged_at = -UNKNOWN_LOGGED_EVERY


class AuthoredRequest(HttpRequest):
    """A request with the name of its visitor, and whether the visitor's login has just ended."""

    author: str
    login_ended: bool = False


class GuestMiddleware:
    """Sets ``request.author``: the name of the authenticated user, else the guest's stable name.

    A session whose login is no longer valid is ended, so that the page and its WebSocket agree on the visitor. A new
    guest gets the cookie with the first page; no database row is made. Where ALLOW_GUESTS is off, a visitor who has not
    logged in has no name.
    """

    def __init__(self, get_response: Callable[[AuthoredRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: AuthoredRequest) -> HttpResponse:
        if request.user.is_authenticated:
            request.author = request.user.get_username()
            return self.get_response(request)
        session = request.session
        # The browser still has the cookie of a login. Django's session middleware deletes it with this response.
        has_cookie = bool(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        request.login_ended = has_cookie and (SESSION_KEY in session or not session.keys())
        if SESSION_KEY in session or (session.session_key and not session.keys()):
            # Of an inactive or deleted user, of a backend that was removed, or signed with another SECRET_KEY. ws
            # refuses it, and does not let it in as a guest.
            session.flush()
        if not live_settings.ALLOW_GUESTS:
            request.author = ""
            return self.get_response(request)
        known = guest_name(request.COOKIES)
        request.author = known or new_guest_name()
        response = self.get_response(request)
        # Not with an answer of the API: programs keep no cookies.
        if known is None and response.get("Content-Type", "").startswith("text/html"):
            remember(response, request.author)
        return response


class LoginRequiredMiddleware(middleware.LoginRequiredMiddleware):
    """Redirects guests to the login page where ALLOW_GUESTS is off; a view may be ``login_not_required``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if live_settings.ALLOW_GUESTS:
            raise MiddlewareNotUsed
        super().__init__(get_response)


def remember(response: HttpResponse, name: str) -> None:
    """Give the visitor the cookie of a guest of that name."""
    response.set_cookie(
        COOKIE,
        # Percent-encoded: a cookie is ASCII.
        signing.get_cookie_signer(salt=COOKIE).sign(quote(name)),
        max_age=MAX_AGE_SECONDS,
        path=settings.SESSION_COOKIE_PATH,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def guest_name(cookies: Mapping[str, str]) -> str | None:
    """Return the name in the guest's cookie; None without one, and for one that was not signed by us."""
    if COOKIE not in cookies:
        return None
    try:
        return unquote(signing.get_cookie_signer(salt=COOKIE).unsign(cookies[COOKIE]))
    except signing.BadSignature:
        return None


def author_of(scope: Mapping[str, Any]) -> str:
    """Return the name under which a WebSocket writes: the user's, the guest's, or a new guest's."""
    if scope["user"].is_authenticated:
        return str(scope["user"].get_username())
    name = guest_name(scope["cookies"])
    if name is None and COOKIE in scope["cookies"]:
        _log_unknown_cookie()
    return name or new_guest_name()


def identity_of(scope: Mapping[str, Any]) -> int | str | None:
    """Return what identifies the visitor of a WebSocket under any name: the user's primary key, or the guest's tag.

    None for a guest without the cookie, who is another visitor with each socket.
    """
    if scope["user"].is_authenticated:
        return int(scope["user"].pk)
    name = guest_name(scope["cookies"]) if COOKIE in scope["cookies"] else None
    if name is None:
        return None
    tag = TAG.search(name)
    return tag[1] if tag else name


def _log_unknown_cookie() -> None:
    """Log, at most once in UNKNOWN_LOGGED_EVERY, that pages and WebSockets may show different names of a guest."""
    global _unknown_logged_at
    now = time.monotonic()
    if now - _unknown_logged_at >= UNKNOWN_LOGGED_EVERY:
        _unknown_logged_at = now
        logger.warning(
            "A guest's cookie was not signed under SECRET_KEY or SECRET_KEY_FALLBACKS, so its WebSocket has another "
            "name than its page: the keys must be the same in web and ws"
        )


def new_guest_name() -> str:
    """Return a name such as ``guest-k7m2xq``."""
    # One random number for all characters: every handshake of a new guest takes a name.
    name, number = "guest-", secrets.randbelow(len(ALPHABET) ** TAG_CHARS)
    for _ in range(TAG_CHARS):
        number, place = divmod(number, len(ALPHABET))
        name += ALPHABET[place]
    return name


def rename(name: str, chosen: str) -> str:
    """Return the new name of a guest, such as ``花子#k7m2xq``.

    The six characters stay: they distinguish two guests of one name, and identify one guest under two names. No user
    name contains ``#``, so that no guest passes for a user. Raises ValidationError with a sentence for people.
    """
    chosen = " ".join(unicodedata.normalize("NFC", chosen).split())
    if not 1 <= len(chosen) <= CHOSEN_MAX_CHARS:
        raise ValidationError(gettext("Enter a name of 1 to %d characters.") % CHOSEN_MAX_CHARS)
    # They change the direction of neighbouring text, or make different names look the same.
    if has_hidden_characters(chosen):
        raise ValidationError(gettext("Names can’t contain invisible characters."))
    if HASHES & set(unicodedata.normalize("NFKC", chosen)):
        raise ValidationError(gettext("“#” isn’t allowed."))
    if not any(unicodedata.category(character)[0] in "LNS" for character in chosen):
        raise ValidationError(gettext("Use at least one letter, digit or emoji."))
    if is_like_a_guest(chosen):
        raise ValidationError(gettext("That form is reserved for guests. Choose another username."))
    # Each word by itself: "Анна (Anna)" does not deceive.
    if not all(is_of_one_script(word) for word in chosen.split()):
        raise ValidationError(mixes_scripts())
    tag = TAG.search(name)
    return f"{chosen}#{tag[1] if tag else new_guest_name()[-TAG_CHARS:]}"


def chosen_part(name: str) -> str:
    """Return the chosen part of a name, without the tag; ``""`` for a name that the guest has not changed."""
    chosen, separator, _ = name.rpartition("#")
    return chosen if separator else ""
