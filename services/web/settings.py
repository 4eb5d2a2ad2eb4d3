"""Settings of web: pages and API under Gunicorn."""

from datetime import timedelta

from csp.constants import NONE, SELF
from environs import validate

from base.environment import ROOT, env
from base.settings import *  # noqa: F403
from base.settings import ALLOWED_ORIGINS, AUTHENTICATION_BACKENDS, DEBUG, INSTALLED_APPS, PATH_PREFIX

ROOT_URLCONF = "web.urls"
WSGI_APPLICATION = "web.wsgi.application"
CSRF_FAILURE_VIEW = "web.errors.csrf_failure"
LOGIN_URL = "login"
FORMAT_MODULE_PATH = "web.formats"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"

# web comes first: its templates win over those of Django and of the apps.
INSTALLED_APPS = [
    "web",
    "django.contrib.admin",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "csp",
    "axes",
    *INSTALLED_APPS,
]
MIDDLEWARE = [
    "web.health.HealthMiddleware",
    "web.request_log.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "web.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.guests.GuestMiddleware",
    "accounts.guests.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
# It only refuses who failed too often, so ws does not need it. Backends that let people in go into base.settings.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", *AUTHENTICATION_BACKENDS]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.path_prefix.path_prefix",
            ],
        },
    }
]

# Nothing inline, nothing from elsewhere. A view that needs more says so with django-csp's decorators.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        # WebSockets too: https://www.w3.org/TR/CSP3/#match-schemes.
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Pages of other origins may use the API with a token. Never with our cookies.
CORS_ALLOWED_ORIGINS = ALLOWED_ORIGINS
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["GET", "HEAD", "POST"]
CORS_ALLOW_HEADERS = ["authorization", "content-type"]
CORS_EXPOSE_HEADERS = ["retry-after", "www-authenticate", "x-request-id"]

# Never in the sessions' table: the message that shows a new API token is nothing to keep.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"

STATIC_URL = f"{PATH_PREFIX}/static/"
STATIC_ROOT = env.str("STATIC_ROOT", str(ROOT / ".run/static"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "web.static_files.HashedStaticFilesStorage"
    },
}

# Gunicorn: processes, and threads in each.
WEB_WORKERS = env.int("WEB_WORKERS", 2, validate=validate.Range(1, 64))
WEB_THREADS = env.int("WEB_THREADS", 4, validate=validate.Range(1, 64))

# Seconds for which browsers remember to come by https only. Of subdomains nothing is said: they may not be ours.
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", 3600, validate=validate.Range(0, 10**9))
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for subdomains
    "security.W008",  # a redirect to https: nginx does it, or what ends TLS before nginx
    "security.W021",  # HSTS that browsers are shipped with
]
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
# nginx refuses a larger body, in the site's look; who comes past nginx is refused here.
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("MAX_BODY_KIB", 64, validate=validate.Range(1, 1_048_576)) * 1024

# Wrong passwords for one user from one address until both together must wait; 0 is no limit.
LOGIN_ATTEMPTS = env.int("LOGIN_ATTEMPTS", 10, validate=validate.Range(0, 10_000))
# Seconds of that wait, from the last wrong password on.
LOGIN_COOLOFF_SECONDS = env.int("LOGIN_COOLOFF_SECONDS", 600, validate=validate.Range(1, 86_400))
AXES_ENABLED = LOGIN_ATTEMPTS > 0
AXES_FAILURE_LIMIT = LOGIN_ATTEMPTS
AXES_COOLOFF_TIME = timedelta(seconds=LOGIN_COOLOFF_SECONDS)
# Not the user alone: anybody could lock anybody out. Not the address alone: a school has one.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "web.logins.client_network"
AXES_USERNAME_CALLABLE = "web.logins.username"
AXES_LOCKOUT_CALLABLE = "web.logins.too_many_failures"
# Only what the limit needs is kept, and nobody's log-ins are recorded.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
