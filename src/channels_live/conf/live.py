"""The settings of channels_live itself."""

import re

from django.core.exceptions import ImproperlyConfigured

from channels_live.conf.app_settings import AppSettings, Setting
from channels_live.conf.bind import parse_bind
from channels_live.conf.origins import parse_origins

CHANNEL_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,64}")
WS = ("ws",)
A_MILLION = 1_000_000


def _parse_channel_prefix(name: str, value: str) -> str:
    if not CHANNEL_PREFIX.fullmatch(value):
        raise ImproperlyConfigured(f"{name}: expected up to 64 letters, digits, '.', '_' and '-', got {value!r}.")
    return value


def _default_max_sockets() -> int:
    # Imported at first use, since web does not install the server.
    from channels_live.server.file_limits import sockets_that_fit

    return sockets_that_fit(None)


class LiveSettings(AppSettings, dictionary="CHANNELS_LIVE"):
    """The settings that modules of channels_live read themselves; others are arguments of functions."""

    BIND = Setting(
        str,
        "127.0.0.1:8000",
        "Address and port on which the service listens.",
        parse=parse_bind,
    )
    ALLOWED_ORIGINS = Setting(
        list[str],
        [],
        "Other origins whose pages may open WebSockets and use the API.",
        parse=parse_origins,
    )
    ALLOW_GUESTS = Setting(bool, True, "Whether to allow anonymous visitors.")
    CHANNEL_PREFIX = Setting(
        str,
        "",
        "Prefix of every channel name in Redis.",
        parse=_parse_channel_prefix,
    )
    CREDENTIALS = Setting(
        list[str],
        [],
        "Credential backends beside Django's sessions, as dotted paths of classes (see CredentialBackend).",
        services=WS,
        in_environment=False,
    )
    REVOCATION_TABLE = Setting(
        str,
        "",
        "Where revocations are stored, as the dotted path of a class (see RevocationTable).",
        in_environment=False,
    )
    MAX_HEADER_KIB = Setting(
        int,
        8,
        "Maximum size of one request header, and of the request line, in KiB.",
        unit="KiB",
        minimum=4,
        maximum=64,
    )
    MESSAGE_RATE = Setting(
        float,
        20.0,
        "Sustained messages per second and connection.",
        unit="messages per second",
        minimum=0,
        maximum=A_MILLION,
    )
    MESSAGE_BURST = Setting(
        int,
        200,
        "Burst size of MESSAGE_RATE, in messages.",
        unit="messages",
        minimum=1,
        maximum=A_MILLION,
    )
    JOURNAL_QUEUE = Setting(
        int,
        5000,
        "Maximum number of messages in one ws process that wait for the database.",
        unit="messages",
        minimum=1,
        maximum=A_MILLION,
        services=WS,
    )
    COALESCE_MS = Setting(
        int,
        0,
        "Time in milliseconds that a message waits for others of its topic, to be sent with them in one write.",
        unit="milliseconds",
        minimum=0,
        maximum=1000,
        services=WS,
    )
    PING_INTERVAL = Setting(
        int,
        20,
        "Time without traffic, in seconds, after which the server sends a ping.",
        unit="seconds",
        minimum=1,
        maximum=3600,
        services=WS,
    )
    PING_TIMEOUT = Setting(
        int,
        30,
        "Timeout for the pong, in seconds.",
        unit="seconds",
        minimum=1,
        maximum=3600,
        services=WS,
    )
    MAX_FRAME_KIB = Setting(
        int,
        64,
        "Maximum size of a WebSocket message from a client, in KiB.",
        unit="KiB",
        minimum=1,
        maximum=1024,
        services=WS,
    )
    MEMBER_BUFFER_KIB = Setting(
        int,
        512,
        "Maximum size of the data that one client has not read yet, in KiB.",
        unit="KiB",
        minimum=64,
        maximum=65536,
        services=WS,
    )
    DRAIN_DELAY = Setting(
        float,
        0.0,
        "Time in seconds after SIGTERM during which new sockets are still accepted, while /readyz answers 503.",
        unit="seconds",
        minimum=0,
        maximum=300,
        services=WS,
    )
    DRAIN_SECONDS = Setting(
        float,
        10.0,
        "Time in seconds after DRAIN_DELAY over which the closes with code 1012 are spread.",
        unit="seconds",
        minimum=0,
        maximum=3600,
        services=WS,
    )
    MAX_CONNECTION_AGE = Setting(
        int,
        0,
        "Age in seconds, give or take a tenth, at which a socket is closed with code 1012.",
        unit="seconds",
        minimum=0,
        maximum=604_800,
        services=WS,
    )
    MAX_SOCKETS = Setting(
        int,
        _default_max_sockets,
        "Maximum number of sockets in one process.",
        unit="sockets",
        minimum=1,
        maximum=A_MILLION,
        services=WS,
        shown_default="15000",
    )
    MAX_SOCKETS_PER_USER = Setting(
        int,
        50,
        "Maximum number of sockets of one user, or of one guest, in one process.",
        unit="sockets",
        minimum=0,
        maximum=A_MILLION,
        services=WS,
    )
    MAX_HANDSHAKES = Setting(
        int,
        64,
        "Maximum number of handshakes that one process handles at a time.",
        unit="handshakes",
        minimum=1,
        maximum=A_MILLION,
        services=WS,
    )
    HANDSHAKE_TIMEOUT = Setting(
        int,
        5,
        "Timeout in seconds for receiving the handshake's request, and as much again for answering it.",
        unit="seconds",
        minimum=1,
        maximum=300,
        services=WS,
    )
    MAX_REFUSALS = Setting(
        int,
        200,
        "Number of rejected frames tolerated per connection; the budget refills over one minute.",
        unit="frames",
        minimum=0,
        maximum=A_MILLION,
        services=WS,
    )


live_settings = LiveSettings()
"""The settings of channels_live in this process, such as ``live_settings.MAX_SOCKETS``."""
