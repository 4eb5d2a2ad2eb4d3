"""Django settings that web and ws share.

The environment variables are declared in base.conf. Those of channels_live and of the apps are not settings of Django.
"""

from typing import Any

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from base.conf import project_settings
from base.environment import env
from base.production import refuse_local_settings
from channels_live.conf import parse_database_url, parse_redis_url
from channels_live.observability import logging_settings, tracing

ENVIRONMENT = project_settings.ENVIRONMENT
DEBUG = project_settings.DEBUG

SECRET_KEY = project_settings.SECRET_KEY
SECRET_KEY_FALLBACKS = project_settings.SECRET_KEY_FALLBACKS
ALLOWED_HOSTS = project_settings.ALLOWED_HOSTS
CSRF_TRUSTED_ORIGINS = project_settings.CSRF_TRUSTED_ORIGINS

# nginx removes the prefix from the path of each request.
PATH_PREFIX = project_settings.PATH_PREFIX
FORCE_SCRIPT_NAME = PATH_PREFIX or None
SESSION_ENGINE = "channels_live.sessions"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = f"{PATH_PREFIX}/"

# Whether browsers reach nginx, or the proxy in front of it, over https only.
HTTPS_ONLY = project_settings.HTTPS_ONLY
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS_ONLY
# nginx overwrites this header, so a client cannot set it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

if ENVIRONMENT == "production":
    refuse_local_settings(
        key=SECRET_KEY,
        fallbacks=SECRET_KEY_FALLBACKS,
        debug=DEBUG,
        # Empty in production unless set, instead of the local default.
        allowed_hosts=env.items("ALLOWED_HOSTS", []),
        https_only=HTTPS_ONLY,
    )

# Your apps. web serves the pages of an app's urls.py below /<app>/, and its api_urls.py below /api/; ws serves the
# sockets of its routing.py.
PROJECT_APPS = ["accounts", "chat"]
# The page that / redirects to.
HOME_PAGE = "chat:index"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "channels_live",
    "base",
    *PROJECT_APPS,
]
# web and ws must identify a visitor alike, so the settings that decide it are here only (see base.identity).
AUTH_USER_MODEL = "accounts.User"
# How users log in. ws loads the user of a session through the backend that the session names.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
# Settings of channels_live, which take precedence over the environment, such as "MAX_SOCKETS": 5000.
CHANNELS_LIVE: dict[str, Any] = {
    # Credentials that a WebSocket handshake may present instead of a session.
    "CREDENTIALS": ["accounts.credentials.ApiTokenBackend", "accounts.credentials.TicketBackend"],
    # Table of ended sessions, tokens and memberships, whose open sockets are closed.
    "REVOCATION_TABLE": "accounts.revocations.Table",
}
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

DATABASES = {"default": parse_database_url(project_settings.DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_HOSTS = parse_redis_url(project_settings.REDIS_URL)
CHANNEL_LAYERS = {
    "default": {
        # Not the core layer of channels-redis: its blocking read exceeds the default timeout of redis-py 8, 5 s, and
        # every idle socket would be closed with 1011.
        "BACKEND": "channels_live.layers.ChannelLayer",
        # Fail at once instead of retrying: what Redis loses is read from the journal.
        "CONFIG": {
            "hosts": [
                {**host, "retry": Retry(NoBackoff(), 0), "socket_connect_timeout": 1, "socket_timeout": 2}
                for host in REDIS_HOSTS
            ]
        },
    }
}

LANGUAGE_CODE = project_settings.LANGUAGE_CODE
LANGUAGES = [("ja", "日本語"), ("en", "English")]
TIME_ZONE = project_settings.TIME_ZONE
USE_TZ = True

LOGGING = logging_settings(project_settings.LOG_LEVEL, project_settings.LOG_FORMAT)
LOGGING_CONFIG = "channels_live.observability.configure_logging"

SENTRY_DSN = project_settings.SENTRY_DSN
# OpenTelemetry reads the other OTEL_ variables itself.
OTEL_EXPORTER_OTLP_ENDPOINT = project_settings.OTEL_EXPORTER_OTLP_ENDPOINT
tracing.check(OTEL_EXPORTER_OTLP_ENDPOINT)
