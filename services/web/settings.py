"""Django settings of web: pages and API under Gunicorn."""

from datetime import timedelta

from csp.constants import NONE, SELF

from base.settings import *  # noqa: F403
from base.settings import AUTHENTICATION_BACKENDS, CHANNELS_LIVE, DEBUG, INSTALLED_APPS, PATH_PREFIX
from channels_live.conf import live_settings
from web.conf import web_settings

ROOT_URLCONF = "web.urls"
WSGI_APPLICATION = "web.wsgi.application"
CSRF_FAILURE_VIEW = "web.errors.csrf_failure"
LOGIN_URL = "login"
FORMAT_MODULE_PATH = "web.formats"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"

# web is first, so that its templates take precedence over those of Django and of the apps.
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
# It only refuses logins after too many failures, so ws does not need it. Backends that authenticate users belong in
# base.settings.
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

# Nothing inline, nothing from other origins. A view that needs more uses the decorators of django-csp.
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

# Pages of other origins may use the API with a token, never with cookies of this site.
CORS_ALLOWED_ORIGINS = live_settings.read("ALLOWED_ORIGINS", CHANNELS_LIVE)
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["GET", "HEAD", "POST"]
CORS_ALLOW_HEADERS = ["authorization", "content-type"]
CORS_EXPOSE_HEADERS = ["retry-after", "www-authenticate", "x-request-id"]

# Not in the session, which is stored in the database: one of the messages shows a new API token.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"

STATIC_URL = f"{PATH_PREFIX}/static/"
STATIC_ROOT = web_settings.STATIC_ROOT
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "web.static_files.HashedStaticFilesStorage"
    },
}

# Gunicorn worker processes, and threads per worker.
WEB_WORKERS = web_settings.WEB_WORKERS
WEB_THREADS = web_settings.WEB_THREADS

# HSTS without subdomains, which may belong to others.
SECURE_HSTS_SECONDS = web_settings.HSTS_SECONDS
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for subdomains
    "security.W008",  # redirect to https: nginx does it, or the proxy that ends TLS
    "security.W021",  # HSTS preload
]
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
# nginx refuses a larger body with a page in the site's design; this is for requests that do not come through nginx.
DATA_UPLOAD_MAX_MEMORY_SIZE = web_settings.MAX_BODY_KIB * 1024

LOGIN_COOLOFF_SECONDS = web_settings.LOGIN_COOLOFF_SECONDS
AXES_FAILURE_LIMIT = web_settings.LOGIN_ATTEMPTS
# 0: unlimited.
AXES_ENABLED = AXES_FAILURE_LIMIT > 0
AXES_COOLOFF_TIME = timedelta(seconds=LOGIN_COOLOFF_SECONDS)
# User and address together: with the user alone, anyone could lock anyone out; an address alone may be a school.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "web.logins.client_network"
AXES_USERNAME_CALLABLE = "web.logins.username"
AXES_LOCKOUT_CALLABLE = "web.logins.too_many_failures"
# Keep only what the limit needs; successful logins are not recorded.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
