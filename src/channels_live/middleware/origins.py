"""Whose pages may open a WebSocket.

Browsers send cookies with a handshake whatever page it comes from, and ask no CORS: this check is what keeps other
sites from acting as their visitor (cross-site WebSocket hijacking).
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.http.request import split_domain_port, validate_host

from channels_live.conf import normalized_origin
from channels_live.observability.request_id import header
from channels_live.server.refusals import MAX_LOGGED_CHARS, log_refusal


class OriginCheck:
    """Lets through the page's own origin, and those of an exact list; any other is answered 403 and logged.

    The page's own is ``X-Forwarded-Proto://Host``, which nginx sets, where the host is one of ``allowed_hosts``.
    Without an origin, which browsers always send, a program may come that has an ``Authorization: Bearer``; whether
    that is valid is for channels_live.middleware.authentication to say.
    """

    def __init__(self, application: Any, allowed_hosts: Collection[str], allowed_origins: Collection[str]) -> None:
        self._application = application
        self._allowed_hosts = allowed_hosts
        self._allowed_origins = frozenset(allowed_origins)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        origin, own = header(scope, b"origin"), self._own_origin(scope)
        if not self._is_allowed(scope, origin, own):
            shown = None if origin is None else origin[:MAX_LOGGED_CHARS]
            log_refusal(scope, "origin", origin=shown, expected=own, allowed_hosts=self._allowed_hosts)
            await send({"type": "websocket.close"})
            return
        await self._application(scope, receive, send)

    def _is_allowed(self, scope: Mapping[str, Any], origin: str | None, own: str | None) -> bool:
        if origin is None:
            return (header(scope, b"authorization") or "").lower().startswith("bearer ")
        given = normalized_origin(origin)
        return given is not None and (given == own or given in self._allowed_origins)

    def _own_origin(self, scope: Mapping[str, Any]) -> str | None:
        """Return the origin of the pages that this address belongs to; None where no such page is served."""
        host = header(scope, b"host") or ""
        if not validate_host(split_domain_port(host)[0], self._allowed_hosts):
            return None
        return normalized_origin(f"{header(scope, b'x-forwarded-proto') or 'http'}://{host}")
