"""What can be set of the server, by Django settings of these names."""

from dataclasses import Field, dataclass, field, fields
from typing import Any, Self

from django.conf import settings

from channels_live.conf.bind import parse_bind
from channels_live.server.file_limits import DEFAULT_MAX_SOCKETS, sockets_that_fit


def _setting(name: str, default: Any, sentence: str) -> Any:
    return field(default=default, metadata={"name": name, "sentence": sentence})


@dataclass(frozen=True)
class ServerOptions:
    """The settings of one server, and what its tests set beside them."""

    bind: str = _setting("BIND", "127.0.0.1:8000", "Address to listen on, host:port; * is every address.")
    max_header_kib: int = _setting(
        "MAX_HEADER_KIB", 8, "Longest header of a request, in KiB; all of them together may have four times as much."
    )
    max_frame_kib: int = _setting(
        "MAX_FRAME_KIB", 64, "Largest message from a client, in KiB; a larger one closes the socket with 1009."
    )
    ping_interval: int = _setting("PING_INTERVAL", 20, "Seconds of silence after which a ping is sent.")
    ping_timeout: int = _setting("PING_TIMEOUT", 30, "Seconds until a socket is dropped that does not answer.")
    handshake_timeout: int = _setting(
        "HANDSHAKE_TIMEOUT", 5, "Seconds for receiving a request, and again for the application's answer."
    )
    member_buffer_kib: int = _setting(
        "MEMBER_BUFFER_KIB",
        512,
        "KiB of others' messages that may wait for a slow client; then it is closed with 1013.",
    )
    message_rate: float = _setting(
        "MESSAGE_RATE", 20, "Pings per second and connection, sustained (0: unlimited); apps limit messages by it too."
    )
    message_burst: int = _setting("MESSAGE_BURST", 200, "Pings of one connection at once.")
    max_refusals: int = _setting(
        "MAX_REFUSALS", 200, "Rejected frames tolerated per connection (0: any); the budget refills over one minute."
    )
    max_sockets: int = _setting(
        "MAX_SOCKETS", DEFAULT_MAX_SOCKETS, "Sockets of the process; by default fewer where its open files allow fewer."
    )
    max_sockets_per_user: int = _setting("MAX_SOCKETS_PER_USER", 50, "Sockets of one user (0: unlimited).")
    max_handshakes: int = _setting("MAX_HANDSHAKES", 64, "Handshakes in progress; others wait for their turn.")
    max_connection_age: int = _setting(
        "MAX_CONNECTION_AGE", 0, "Seconds after which a socket is closed with 1012, give or take a tenth (0: never)."
    )
    drain_delay: float = _setting(
        "DRAIN_DELAY", 0, "On SIGTERM: seconds that new sockets are accepted after /readyz has said 503."
    )
    drain_seconds: float = _setting("DRAIN_SECONDS", 10, "On SIGTERM: seconds over which sockets are closed with 1012.")
    # A client that takes nothing of what waits for it for so many seconds is closed with 1013, however little waits.
    stall_seconds: float = 30.0

    @classmethod
    def from_settings(cls, **changed: Any) -> Self:
        """Return the options as Django's settings have them, but for those ``changed``.

        Raises ImproperlyConfigured or ValueError with one sentence for an invalid one.
        """
        given: dict[str, Any] = {
            each.name: getattr(settings, each.metadata["name"], each.default) for each in declared()
        }
        given["bind"] = parse_bind("BIND", given["bind"])
        given["max_sockets"] = sockets_that_fit(getattr(settings, "MAX_SOCKETS", None))
        return cls(**{**given, **changed})


def declared() -> list[Field[Any]]:
    """Return the fields of ServerOptions that are settings."""
    return [each for each in fields(ServerOptions) if each.metadata]
