"""Refused handshakes: each is counted, and logged with its reason."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import structlog
from channels.security.websocket import OriginValidator

from base.request_id import header, request_id_of
from ws import metrics

logger = structlog.get_logger(__name__)

# Of a header that a stranger has made up.
MAX_LOGGED_CHARS = 200


def log_refusal(scope: Mapping[str, Any], reason: str, **details: object) -> None:
    """Count a refused handshake and log it; ``reason`` is one of metrics.RESULTS."""
    metrics.HANDSHAKES.labels(reason).inc()
    logger.warning(
        "handshake refused",
        reason=reason,
        path=scope["path"][:MAX_LOGGED_CHARS],
        request_id=request_id_of(scope),
        **details,
    )


class OriginCheck(OriginValidator):
    """Lets through only pages of the given hosts; any other origin, and none, is answered 403 and logged.

    A browser tells its page nothing about a 403, so the log is the only place where the reason can be seen.
    """

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        origin = header(scope, b"origin")
        if not self._is_allowed(origin):
            shown = None if origin is None else origin[:MAX_LOGGED_CHARS]
            log_refusal(scope, "origin", origin=shown, allowed_hosts=self.allowed_origins)
            await send({"type": "websocket.close"})
            return
        await self.application(scope, receive, send)

    def _is_allowed(self, origin: str | None) -> bool:
        try:
            return bool(self.valid_origin(None if origin is None else urlsplit(origin)))
        except ValueError:  # not even an address, such as http://[
            return False
