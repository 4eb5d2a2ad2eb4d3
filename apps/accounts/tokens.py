"""API tokens: ``Authorization: Bearer <token>``. Only their SHA-256 is kept."""

import hashlib
import secrets

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import ApiToken


def new_token() -> str:
    """Return 256 random bits, as text for a header."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return what is stored of a token.

    Nothing slower than SHA-256 is needed, since 256 bits cannot be guessed; and the time that a look-up by the
    digest takes reveals nothing about the token.
    """
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def bearer(request: HttpRequest) -> str | None:
    """Return the token of the Authorization header, which may be invalid; None without one."""
    return bearer_in(request.headers.get("Authorization", ""))


def bearer_in(authorization: str) -> str | None:
    """Return the token in the value of an Authorization header; None where it has another scheme."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def find(token: str) -> ApiToken | None:
    """Return the stored token with its user; None where it is unknown or expired, or the user inactive. Blocks."""
    valid = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return ApiToken.objects.select_related("user").filter(valid, digest=digest(token), user__is_active=True).first()
