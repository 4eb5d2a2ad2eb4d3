"""Refused handshakes: each is counted, and logged with its reason."""

from collections.abc import Mapping
from typing import Any

import structlog

from channels_live.close_codes import CloseCode
from channels_live.observability import metrics
from channels_live.observability.request_id import request_id_of

logger = structlog.get_logger(__name__)

# Of a header, which any client can make up.
MAX_LOGGED_CHARS = 200
# Seconds, for programs.
RETRY_AFTER = (b"Retry-After", b"5")
# What the close codes are in responses of HTTP.
STATUSES = {
    CloseCode.LOGIN_REQUIRED: 401,
    CloseCode.FORBIDDEN: 403,
    CloseCode.NOT_FOUND: 404,
    CloseCode.POLICY_VIOLATION: 400,
    CloseCode.TRY_AGAIN_LATER: 503,
    CloseCode.SERVICE_RESTART: 503,
}
# And what such a response has to say.
STATUS_HEADERS = {401: [(b"WWW-Authenticate", b"Bearer")], 503: [RETRY_AFTER]}


def log_refusal(scope: Mapping[str, Any], reason: str, **details: object) -> None:
    """Count a refused handshake, or HTTP request, and log it.

    ``reason`` is a result of channels_live.observability.metrics, or one that an app has registered; ``details`` are
    added to the log line.
    """
    is_http = scope.get("type") == "http"
    (metrics.HTTP_REQUESTS if is_http else metrics.HANDSHAKES).labels(reason).inc()
    if "channels_live.socket" in scope:
        scope["channels_live.socket"].is_refusal_logged = True
    logger.warning(
        "request refused" if is_http else "handshake refused",
        reason=reason,
        path=scope["path"][:MAX_LOGGED_CHARS],
        request_id=request_id_of(scope),
        **details,
    )


async def deny(scope: Mapping[str, Any], send: Any, status: int, *headers: tuple[bytes, bytes]) -> None:
    """Answer a request, or a handshake, with an HTTP status and no body.

    Of a handshake it is for programs, since a browser tells its page nothing about it: ASGI's extension
    ``websocket.http.response``.
    """
    response = "http.response" if scope["type"] == "http" else "websocket.http.response"
    await send({"type": f"{response}.start", "status": status, "headers": list(headers)})
    await send({"type": f"{response}.body", "body": b""})


async def accept_and_close(scope: Mapping[str, Any], send: Any, code: int) -> None:
    """Accept, then close: a browser tells its page no close code before the handshake is done.

    An HTTP request is answered with the status of the same meaning: 401, 403, 404, 400 or 503; 500 for other codes.
    """
    if scope["type"] == "http":
        status = STATUSES.get(CloseCode(code), 500)
        await deny(scope, send, status, *STATUS_HEADERS.get(status, ()))
        return
    # Chromium fails a handshake with 1006 where it offered subprotocols and the answer names none.
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
    await send({"type": "websocket.close", "code": code})
