"""API tokens: ``Authorization: Bearer <token>``. Only their SHA-256 is kept."""

import hashlib
import secrets

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import ApiToken, User


def new_token() -> str:
    """Return 256 random bits, as text for a header."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return what is stored of a token.

    Nothing slower than SHA-256 is needed, as nobody guesses 256 bits; and the time that a look-up by the
    digest takes tells nothing about the token.
    """
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def bearer(request: HttpRequest) -> str | None:
    """Return the token of the Authorization header, which may be wrong; None without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def user_of(token: str) -> User | None:
    """Return whose token it is; None where it is unknown or expired, or the user inactive."""
    valid = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    found = ApiToken.objects.select_related("user").filter(valid, digest=digest(token), user__is_active=True).first()
    return found.user if found else None
