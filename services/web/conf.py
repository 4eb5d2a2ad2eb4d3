"""The environment variables of web alone."""

from base.environment import ROOT
from channels_live.conf import AppSettings, Setting

WEB = ("web",)


class WebSettings(AppSettings):
    WEB_WORKERS = Setting(
        int, 2, "Number of Gunicorn's processes.", unit="processes", minimum=1, maximum=64, services=WEB
    )
    WEB_THREADS = Setting(
        int, 4, "Number of threads in each process.", unit="threads", minimum=1, maximum=64, services=WEB
    )
    STATIC_ROOT = Setting(
        str,
        str(ROOT / ".run/static"),
        "Folder that collectstatic fills and WhiteNoise serves.",
        services=WEB,
        shown_default=".run/static",
    )
    HSTS_SECONDS = Setting(
        int,
        3600,
        "HSTS max-age in seconds; browsers cache it, and use https only for that long. 0 omits the header.",
        unit="seconds",
        minimum=0,
        maximum=10**9,
        services=WEB,
    )
    MAX_BODY_KIB = Setting(
        int,
        64,
        "Maximum size of a request's body, in KiB.",
        unit="KiB",
        minimum=1,
        maximum=1_048_576,
        services=WEB,
    )
    LOGIN_ATTEMPTS = Setting(
        int,
        10,
        "Number of failed logins for one user from one address after which both together are answered with 429.",
        unit="attempts",
        minimum=0,
        maximum=10_000,
        services=WEB,
    )
    LOGIN_COOLOFF_SECONDS = Setting(
        int,
        600,
        "Duration of that refusal in seconds, counted from the last failed login.",
        unit="seconds",
        minimum=1,
        maximum=86_400,
        services=WEB,
    )


web_settings = WebSettings()
