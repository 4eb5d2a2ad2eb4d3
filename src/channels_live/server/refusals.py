"""Refused handshakes: each is counted, and logged with its reason."""

from collections.abc import Mapping
from typing import Any

import structlog

from channels_live.observability import metrics
from channels_live.observability.request_id import request_id_of

logger = structlog.get_logger(__name__)

# Of a header, which any client can make up.
MAX_LOGGED_CHARS = 200


def log_refusal(scope: Mapping[str, Any], reason: str, **details: object) -> None:
    """Count a refused handshake and log it.

    ``reason`` is a result of channels_live.observability.metrics, or one that an app has registered; ``details`` are
    added to the log line.
    """
    metrics.HANDSHAKES.labels(reason).inc()
    if "channels_live.socket" in scope:
        scope["channels_live.socket"].is_refusal_logged = True
    logger.warning(
        "handshake refused",
        reason=reason,
        path=scope["path"][:MAX_LOGGED_CHARS],
        request_id=request_id_of(scope),
        **details,
    )


async def deny(send: Any, status: int, *headers: tuple[bytes, bytes]) -> None:
    """Answer with an HTTP status; for programs, since a browser tells its page nothing about it.

    ASGI's extension ``websocket.http.response``, without a body.
    """
    await send({"type": "websocket.http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "websocket.http.response.body", "body": b""})


async def accept_and_close(scope: Mapping[str, Any], send: Any, code: int) -> None:
    """Accept, then close: a browser tells its page no close code before the handshake is done."""
    # Chromium fails a handshake with 1006 where it offered subprotocols and the answer names none.
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
    await send({"type": "websocket.close", "code": code})
