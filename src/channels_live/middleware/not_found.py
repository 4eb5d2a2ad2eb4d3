from typing import Any

from channels_live.close_codes import CloseCode
from channels_live.server import accept_and_close, log_refusal


async def not_found(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Close a WebSocket with 4404 and log it: the application of a URLRouter's last route, ``re_path("", not_found)``.

    An HTTP request is answered with 404. Without such a route Channels raises ValueError, and it is answered with 500.
    """
    log_refusal(scope, "not_found")
    await accept_and_close(scope, send, CloseCode.NOT_FOUND)
