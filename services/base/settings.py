"""Django settings that web and ws share. Each value is an environment variable of .env.example."""

from django.core.exceptions import ImproperlyConfigured
from environs import validate
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from base.environment import ROOT, env
from base.production import refuse_local_settings
from channels_live.conf.bind import parse_bind
from channels_live.conf.database_url import database
from channels_live.conf.hosts import parse_form_origins, parse_hosts
from channels_live.conf.origins import parse_origins
from channels_live.conf.path_prefix import parse_path_prefix
from channels_live.conf.redis_url import parse_redis_url
from channels_live.conf.time_zone import expect_time_zone
from channels_live.observability import tracing
from channels_live.observability.logs import logging_settings

ENVIRONMENT = env.str("ENVIRONMENT", "local", validate=validate.OneOf(["local", "production"]))
DEBUG = env.bool("DEBUG", False)

LOCAL_SECRET_KEY = "local-only-key-that-production-refuses-to-start-with"
SECRET_KEY = env.str("SECRET_KEY", LOCAL_SECRET_KEY)
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY: expected a random text of 50 characters or more, got an empty one.")
SECRET_KEY_FALLBACKS = env.items("SECRET_KEY_FALLBACKS", [])
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = parse_hosts("ALLOWED_HOSTS", env.items("ALLOWED_HOSTS", LOCAL_HOSTS))
CSRF_TRUSTED_ORIGINS = parse_form_origins("CSRF_TRUSTED_ORIGINS", env.items("CSRF_TRUSTED_ORIGINS", []))
# Other origins whose pages may open WebSockets and use the API.
ALLOWED_ORIGINS = parse_origins("ALLOWED_ORIGINS", env.items("ALLOWED_ORIGINS", []))

# Below which path browsers see all of it; nginx takes it away again.
PATH_PREFIX = parse_path_prefix("PATH_PREFIX", env.str("PATH_PREFIX", ""))
FORCE_SCRIPT_NAME = PATH_PREFIX or None
SESSION_ENGINE = "base.sessions"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = f"{PATH_PREFIX}/"

# Whether browsers reach nginx, or what stands before it, by https only.
HTTPS_ONLY = env.bool("HTTPS_ONLY", ENVIRONMENT == "production")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS_ONLY
# nginx overwrites this header, so a client cannot set it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

if ENVIRONMENT == "production":
    refuse_local_settings(
        key=SECRET_KEY,
        fallbacks=SECRET_KEY_FALLBACKS,
        debug=DEBUG,
        allowed_hosts=env.items("ALLOWED_HOSTS", []),
        https_only=HTTPS_ONLY,
    )

# Your apps. web serves the pages of an app's urls.py below /<app>/, and its api_urls.py below /api/; ws serves the
# sockets of its routing.py.
PROJECT_APPS = ["accounts", "chat"]
# The page that / leads to.
HOME_PAGE = "chat:index"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "channels_live",
    "base",
    *PROJECT_APPS,
]
# Who somebody is must be the same in web and ws, so all that decides it stands here: see base.identity.
AUTH_USER_MODEL = "accounts.User"
# What your users log in by. ws asks the backend of a session for its user.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
CHANNELS_LIVE = {
    # Beside a session, what lets a WebSocket in.
    "CREDENTIALS": ["accounts.credentials.ApiTokenBackend", "accounts.credentials.TicketBackend"],
    # Where it is stored that a session, token or membership has ended, so that open sockets are closed.
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

DATABASES = {"default": database(env.str("DATABASE_URL", f"sqlite:///{ROOT}/.run/db.sqlite3"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What the names of all channels in Redis begin with; empty derives it from the database
# (channels_live.layers.channel_prefix).
CHANNEL_PREFIX = env.str(
    "CHANNEL_PREFIX",
    "",
    validate=validate.Regexp(r"[A-Za-z0-9._-]{0,64}\Z", error="Expected up to 64 letters, digits, '.', '_' and '-'."),
)
REDIS_HOSTS = parse_redis_url(env.str("REDIS_URL", "redis://127.0.0.1:6379/0"))
CHANNEL_LAYERS = {
    "default": {
        # Not channels-redis' core layer: its blocking read meets redis-py 8's 5 s default timeout, and every idle
        # socket would die after 5 s with 1011.
        "BACKEND": "channels_live.layers.ChannelLayer",
        # Fail at once and say so: what is lost on the way is read from the journal.
        "CONFIG": {
            "hosts": [
                {**host, "retry": Retry(NoBackoff(), 0), "socket_connect_timeout": 1, "socket_timeout": 2}
                for host in REDIS_HOSTS
            ]
        },
    }
}

LANGUAGE_CODE = env.str("LANGUAGE_CODE", "ja", validate=validate.OneOf(["ja", "en"]))
LANGUAGES = [("ja", "日本語"), ("en", "English")]
TIME_ZONE = env.str("TIME_ZONE", "Asia/Tokyo", validate=expect_time_zone)
USE_TZ = True

# Where the service listens, host:port; * is every address.
BIND = parse_bind("BIND", env.str("BIND", "127.0.0.1:8000"))
# Longest header or address of a request that nginx lets through, in KiB; four times as much together.
MAX_HEADER_KIB = env.int("MAX_HEADER_KIB", 8, validate=validate.Range(4, 64))
# Longest message text, in characters.
MESSAGE_MAX_CHARS = env.int("MESSAGE_MAX_CHARS", 4000, validate=validate.Range(1, 16000))
# Age in days at which `manage.py prune_messages` deletes messages; 0 keeps all.
RETENTION_DAYS = env.int("RETENTION_DAYS", 0, validate=validate.Range(0, 36500))
# Messages that may wait for the database; the sender of one more is told `overloaded`.
JOURNAL_QUEUE = env.int("JOURNAL_QUEUE", 5000, validate=validate.Range(1, 1_000_000))
# Milliseconds that a message waits for others of its room, to go out with them as one write; 0 waits for none.
COALESCE_MS = env.int("COALESCE_MS", 0, validate=validate.Range(0, 1000))
# Messages a second that one socket may send on average, and how many of them at once; a user's sockets together, and
# posts over HTTP, twice that, in each process. 0 is no limit.
MESSAGE_RATE = env.float("MESSAGE_RATE", 20, validate=validate.Range(0, 1_000_000))
MESSAGE_BURST = env.int("MESSAGE_BURST", 200, validate=validate.Range(1, 1_000_000))
# The same for all members of a room in one process, with a burst of one second's; 0 is no limit.
ROOM_MESSAGE_RATE = env.float("ROOM_MESSAGE_RATE", 200, validate=validate.Range(0, 1_000_000))
# Pages of history a second that one socket may ask for, with a burst of four seconds'; 0 is no limit.
HISTORY_RATE = env.float("HISTORY_RATE", 5, validate=validate.Range(0, 1_000_000))
# A second's `typing` of one socket that the others are told of; 0 is no limit.
TYPING_RATE = env.float("TYPING_RATE", 1, validate=validate.Range(0, 1_000_000))
# Whether visitors come in who have not logged in.
ALLOW_GUESTS = env.bool("ALLOW_GUESTS", True)
# Seconds within which a ticket opens a WebSocket.
TICKET_SECONDS = env.int("TICKET_SECONDS", 30, validate=validate.Range(1, 300))

LOG_FORMAT = env.str(
    "LOG_FORMAT",
    "json" if ENVIRONMENT == "production" else "console",
    validate=validate.OneOf(["json", "console"]),
)
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))
LOGGING = logging_settings(LOG_LEVEL, LOG_FORMAT)
LOGGING_CONFIG = "channels_live.observability.logs.configure"

# Where errors are reported; empty is nowhere.
SENTRY_DSN = env.str(
    "SENTRY_DSN",
    "",
    validate=validate.Regexp(
        r"(https?://[^@/]+@[^/]+/(.*/)?\d+)?\Z", error="Expected https://key@host/project-number."
    ),
)

# Where traces are sent by OTLP over HTTP; empty is nowhere. OpenTelemetry reads the other OTEL_ variables itself.
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", "")
tracing.check(OTEL_EXPORTER_OTLP_ENDPOINT)
