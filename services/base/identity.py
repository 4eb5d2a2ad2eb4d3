"""The settings that decide who a visitor is. If web and ws differ in one, a page and its socket have different users.

They belong in base.settings. A service that sets one for itself does not start.
"""

from typing import Any

from django.conf import global_settings
from django.core.exceptions import ImproperlyConfigured

from base import settings as shared
from channels_live.conf import live_settings

NAMES = (
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
)
# Settings of channels_live.
LIVE_NAMES = ("ALLOW_GUESTS",)
# Backends that only refuse logins: no session names them, and ws does not install their packages.
REFUSING_BACKENDS = frozenset({"axes.backends.AxesStandaloneBackend"})


def check(settings: object) -> None:
    """Compare a service's settings, a module or Django's, with base.settings.

    Raises ImproperlyConfigured where one of NAMES or LIVE_NAMES differs. The sentence names the setting and not its
    value, since some are secret.
    """
    for name in (*NAMES, *LIVE_NAMES):
        if _value(settings, name) != _value(shared, name):
            raise ImproperlyConfigured(
                f"{name} decides who a visitor is and must be the same in web and ws: "
                "set it in services/base/settings.py and nowhere else."
            )


def _value(settings: object, name: str) -> Any:
    if name in LIVE_NAMES:
        return live_settings.read(name, getattr(settings, live_settings.dictionary, {}))
    value: Any = getattr(settings, name, getattr(global_settings, name, None))
    if name == "AUTHENTICATION_BACKENDS":
        return [backend for backend in value if backend not in REFUSING_BACKENDS]
    return value
