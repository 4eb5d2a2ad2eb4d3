"""The settings that decide who a visitor is. Where web and ws disagree, a page and its socket know two people.

They belong in base.settings. One that a service sets for itself stops that service's start.
"""

from typing import Any

from django.conf import global_settings
from django.conf import settings as django_settings
from django.core.checks import CheckMessage
from django.core.checks import Error as CheckError
from django.core.exceptions import ImproperlyConfigured

from base import settings as shared

NAMES = (
    "ALLOW_GUESTS",
    "AUTHENTICATION_BACKENDS",
    "AUTH_USER_MODEL",
    "CACHES",
    "DATABASES",
    "DATABASE_ROUTERS",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "SESSION_CACHE_ALIAS",
    "SESSION_COOKIE_AGE",
    "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_PATH",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_SECURE",
    "SESSION_ENGINE",
    "SESSION_FILE_PATH",
    "SESSION_SERIALIZER",
    "SIGNING_BACKEND",
    "TICKET_SECONDS",
)
# They only refuse logins: no session names them, and ws does not need their packages.
REFUSING_BACKENDS = frozenset({"axes.backends.AxesStandaloneBackend"})


def check(settings: object) -> None:
    """Raise ImproperlyConfigured where a service's settings, a module or Django's, decide otherwise than base.settings.

    The sentence names the variable, and no value, since some are secret.
    """
    for name in NAMES:
        if _value(settings, name) != _value(shared, name):
            raise ImproperlyConfigured(
                f"{name} decides who a visitor is and must be the same in web and ws: "
                "set it in services/base/settings.py and nowhere else."
            )


def system_check(**_: Any) -> list[CheckMessage]:
    """``check`` for Django's settings, as a system check; it stops ws's start."""
    try:
        check(django_settings)
    except ImproperlyConfigured as error:
        return [CheckError(str(error), id="base.E002")]
    return []


def _value(settings: object, name: str) -> Any:
    value: Any = getattr(settings, name, getattr(global_settings, name, None))
    if name == "AUTHENTICATION_BACKENDS":
        return [backend for backend in value if backend not in REFUSING_BACKENDS]
    return value
