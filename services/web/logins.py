"""Logins, also in the admin: counts the attempts, and refuses them after too many failures.

django-axes counts the failures in the database, so for all processes together; its settings name functions of this
module.
"""

import math
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from prometheus_client import Counter

LOGINS = Counter("logins", "Login attempts: succeeded, failed, or refused after too many failures.", ["result"])
# The network of one IPv6 customer, as in nginx's limits.
IPV6_PREFIX = 64
# The column of django-axes holds as many.
USERNAME_MAX_CHARS = 255


def measure() -> None:
    """Count every attempt from now on."""
    user_logged_in.connect(_succeeded, dispatch_uid="web.logins")
    user_login_failed.connect(_failed, dispatch_uid="web.logins")


def client_network(request: HttpRequest) -> str | None:
    """Return the browser's address, as nginx forwards it; for IPv6 the first address of its /64 network.

    Returns None for a request that has no address, such as one of Django's test client without REMOTE_ADDR.
    """
    # Only nginx reaches web, and it overwrites the header.
    given = request.headers.get("X-Forwarded-For") or request.META.get("REMOTE_ADDR")
    if not given:
        return None
    address = ip_address(given)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_PREFIX), strict=False).network_address)
    return str(address)


def username(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the name under which a failure is counted, whether such a user exists or not."""
    return str((credentials or request.POST).get("username", ""))[:USERNAME_MAX_CHARS]


def too_many_failures(request: HttpRequest, response: HttpResponse, credentials: Mapping[str, Any]) -> HttpResponse:
    """Return the page for a locked-out user and address; the password was not verified."""
    seconds = settings.LOGIN_COOLOFF_SECONDS
    context = {"minutes": math.ceil(seconds / 60)}
    page = render(request, "429.html", context, status=429)
    page["Retry-After"] = str(seconds)
    return page


def _succeeded(**_: object) -> None:
    LOGINS.labels("succeeded").inc()


def _failed(request: HttpRequest | None = None, **_: object) -> None:
    LOGINS.labels("refused" if getattr(request, "axes_locked_out", False) else "failed").inc()
