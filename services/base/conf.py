"""The environment variables of which base.settings makes Django's settings.

Those of channels_live are declared in channels_live.conf, and those of an app in the app.
"""

import re

from django.core.exceptions import ImproperlyConfigured

from base.environment import ROOT
from channels_live.conf import (
    AppSettings,
    Setting,
    parse_form_origins,
    parse_hosts,
    parse_path_prefix,
    parse_time_zone,
)

LOCAL_SECRET_KEY = "local-only-key-that-production-refuses-to-start-with"
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
DSN = re.compile(r"(https?://[^@/]+@[^/]+/(.*/)?\d+)?")


def _parse_secret_key(name: str, value: str) -> str:
    if not value:
        raise ImproperlyConfigured(f"{name}: expected a random text of 50 characters or more, got an empty one.")
    return value


def _parse_dsn(name: str, value: str) -> str:
    # The value is not quoted: it contains a key.
    if not DSN.fullmatch(value):
        raise ImproperlyConfigured(f"{name}: expected https://key@host/project-number.")
    return value


def _is_production() -> bool:
    return project_settings.ENVIRONMENT == "production"


class ProjectSettings(AppSettings):
    """What web and ws share, beside the settings of channels_live."""

    ENVIRONMENT = Setting(
        str,
        "local",
        "Production refuses to start with insecure development defaults.",
        choices=("local", "production"),
    )
    DEBUG = Setting(bool, False, "Show tracebacks in the browser and do not cache templates.")
    SECRET_KEY = Setting(
        str,
        LOCAL_SECRET_KEY,
        "Signs cookies and sessions.",
        parse=_parse_secret_key,
        shown_default="",
    )
    SECRET_KEY_FALLBACKS = Setting(list[str], [], "Older keys that are still accepted during a rotation.")
    ALLOWED_HOSTS = Setting(
        list[str],
        LOCAL_HOSTS,
        "Host names, without scheme and port, under which pages and WebSockets are served.",
        parse=parse_hosts,
    )
    CSRF_TRUSTED_ORIGINS = Setting(
        list[str],
        [],
        "Other origins that may post forms.",
        parse=parse_form_origins,
    )
    PATH_PREFIX = Setting(
        str,
        "",
        "Path under which the site is served.",
        parse=parse_path_prefix,
    )
    HTTPS_ONLY = Setting(
        bool,
        _is_production,
        "Whether browsers use https only, and cookies are sent by https only.",
        shown_default="false",
    )
    DATABASE_URL = Setting(
        str,
        f"sqlite:///{ROOT}/.run/db.sqlite3",
        "Address of the database.",
        shown_default="sqlite:///.run/db.sqlite3",
    )
    REDIS_URL = Setting(str, "redis://127.0.0.1:6379/0", "Address of Redis.")
    LANGUAGE_CODE = Setting(
        str,
        "ja",
        "Language of visitors who have not chosen one.",
        choices=("ja", "en"),
    )
    TIME_ZONE = Setting(
        str,
        "Asia/Tokyo",
        "Time zone, a name of the tz database.",
        parse=parse_time_zone,
    )
    LOG_LEVEL = Setting(
        str,
        "INFO",
        "Lowest level that is logged.",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
    )
    LOG_FORMAT = Setting(
        str,
        lambda: "json" if _is_production() else "console",
        "Format of the log.",
        choices=("json", "console"),
        shown_default="console",
    )
    SENTRY_DSN = Setting(
        str,
        "",
        "Sentry project to which errors are reported.",
        parse=_parse_dsn,
    )
    OTEL_EXPORTER_OTLP_ENDPOINT = Setting(
        str,
        "",
        "OpenTelemetry collector to which traces are sent by OTLP over HTTP.",
    )


project_settings = ProjectSettings()
