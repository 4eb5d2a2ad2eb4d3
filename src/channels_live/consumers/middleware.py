"""What of a middleware concerns a consumer that answers without an application of its own that runs meanwhile."""

import inspect
from typing import TYPE_CHECKING, Any

from channels.sessions import InstanceSessionWrapper

if TYPE_CHECKING:
    from channels_live.server.protocol import WebSocketProtocol

# Packages whose middleware does nothing once the application has returned.
TRANSPARENT = {"asgiref", "channels", "channels_live", "daphne"}


def is_send_of_server(send: Any, socket: "WebSocketProtocol") -> bool:
    """Return whether an application's ``send`` is the server's, and no middleware has wrapped it."""
    # Channels' session middleware wraps it for HTTP responses, and passes everything else on.
    while isinstance(wrapper := getattr(send, "__self__", None), InstanceSessionWrapper):
        send = wrapper.real_send
    return bool(getattr(send, "func", None) == socket.server.handle_reply)


def is_inside_middleware() -> bool:
    """Return whether anything but the packages above waits for the consumer that calls this.

    It may do something when the application returns, such as count its connections, so it must not return early.
    """
    frame = inspect.currentframe()
    assert frame
    frame = frame.f_back
    while frame and frame.f_code.co_flags & inspect.CO_COROUTINE:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in TRANSPARENT:
            return True
        frame = frame.f_back
    return False
