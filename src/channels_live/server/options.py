"""What can be set of the server."""

from dataclasses import MISSING, dataclass, fields
from typing import Any, Self

from channels_live.conf import live_settings
from channels_live.server.file_limits import sockets_that_fit


@dataclass(frozen=True)
class ServerOptions:
    """The settings of one server (see LiveSettings), and what its tests set beside them."""

    bind: str
    max_header_kib: int
    max_frame_kib: int
    ping_interval: int
    ping_timeout: int
    handshake_timeout: int
    member_buffer_kib: int
    message_rate: float
    message_burst: int
    max_refusals: int
    max_sockets: int
    max_sockets_per_user: int
    max_handshakes: int
    max_connection_age: int
    drain_delay: float
    drain_seconds: float
    # A client that takes nothing of what waits for it for so many seconds is closed with 1013, however little waits.
    stall_seconds: float = 30.0

    @classmethod
    def from_settings(cls, **changed: Any) -> Self:
        """Return the options as the settings have them, but for those ``changed``.

        Raises ImproperlyConfigured with one sentence for an invalid one.
        """
        given = {name.lower(): getattr(live_settings, name) for name in SETTINGS}
        given["max_sockets"] = sockets_that_fit(live_settings.MAX_SOCKETS)
        return cls(**{**given, **changed})


# The names of its settings.
SETTINGS = [each.name.upper() for each in fields(ServerOptions) if each.default is MISSING]
