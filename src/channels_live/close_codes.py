"""Close codes of WebSockets: those of RFC 6455 that the server sends or receives, and three of applications."""

from enum import IntEnum

__all__ = ["CloseCode"]


class CloseCode(IntEnum):
    """Why a WebSocket is closed.

    RFC 6455, section 7.4.1, and IANA's registry (https://www.iana.org/assignments/websocket/); codes from 4000 on are
    for applications. An app that closes with others of its own has them counted by
    ``channels_live.server.register_close_codes``.
    """

    NORMAL_CLOSURE = 1000
    """The purpose of the connection is fulfilled."""
    GOING_AWAY = 1001
    """The client leaves the page."""
    PROTOCOL_ERROR = 1002
    """A frame violates RFC 6455."""
    UNSUPPORTED_DATA = 1003
    """The endpoint does not accept this type of data."""
    NO_STATUS = 1005
    """The close frame had no code. Never sent; used in logs and metrics."""
    ABNORMAL_CLOSURE = 1006
    """The connection ended without a close frame. Never sent; used in logs and metrics."""
    INVALID_DATA = 1007
    """A text message is not valid UTF-8."""
    POLICY_VIOLATION = 1008
    """The client exceeded the limits for too long, or its request was invalid. It must not reconnect by itself."""
    MESSAGE_TOO_BIG = 1009
    """A message is larger than ``MAX_FRAME_KIB``, or has too many fragments."""
    INTERNAL_ERROR = 1011
    """The application raised an exception."""
    SERVICE_RESTART = 1012
    """The process stops. Reconnect soon: another process takes the connection."""
    TRY_AGAIN_LATER = 1013
    """The server is overloaded, or the client reads too slowly. Reconnect later."""

    LOGIN_REQUIRED = 4401
    """The login has ended, or anonymous visitors are not allowed. As HTTP's 401."""
    FORBIDDEN = 4403
    """This user has no access. As HTTP's 403. An app sends it, and registers it."""
    NOT_FOUND = 4404
    """There is nothing at this address. As HTTP's 404."""
