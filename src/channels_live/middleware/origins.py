"""The origins whose pages may open a WebSocket.

Browsers send cookies with a handshake whatever page it comes from, and ask no CORS: this check is what keeps other
sites from acting as their visitor (cross-site WebSocket hijacking; RFC 6455, section 10.2).
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from channels_live.conf import live_settings, normalized_origin
from channels_live.middleware.credentials import presents_credential
from channels_live.observability.request_id import header
from channels_live.server.refusals import MAX_LOGGED_CHARS, log_refusal

# As Django itself allows where DEBUG is on and ALLOWED_HOSTS is empty (django.http.HttpRequest.get_host).
DEBUG_HOSTS = (".localhost", "127.0.0.1", "[::1]")


class OriginValidator:
    """Lets through the page's own origin, and those of an exact list; any other is answered 403 and logged.

    The page's own is ``X-Forwarded-Proto://Host``, where the host is one of ``allowed_hosts``, the setting
    ALLOWED_HOSTS by default; the proxy in front must overwrite that header. ``allowed_origins`` are others, such as
    ``https://app.example.net``, the setting ALLOWED_ORIGINS by default.
    A handshake without an origin comes from a program, since browsers always send one. It is let through where
    ``allow_without_origin`` returns True for its scope. By default it must present a credential, which the
    authentication middleware verifies. Where a middleware of your own finds tokens elsewhere, pass a function that says
    whether there is one, or ``lambda scope: True``.
    """

    def __init__(
        self,
        application: Any,
        allowed_hosts: Collection[str] | None = None,
        allowed_origins: Collection[str] | None = None,
        allow_without_origin: Callable[[Mapping[str, Any]], bool] = presents_credential,
    ) -> None:
        self._application = application
        self._allowed_hosts = _default_hosts() if allowed_hosts is None else allowed_hosts
        self._allowed_origins = frozenset(live_settings.ALLOWED_ORIGINS if allowed_origins is None else allowed_origins)
        self._allow_without_origin = allow_without_origin

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
            return self._allow_without_origin(scope)
        given = normalized_origin(origin)
        return given is not None and (given == own or given in self._allowed_origins)

    def _own_origin(self, scope: Mapping[str, Any]) -> str | None:
        """Return the origin of the pages that this address belongs to; None where no such page is served."""
        host = header(scope, b"host") or ""
        if not validate_host(split_domain_port(host)[0], self._allowed_hosts):
            return None
        return normalized_origin(f"{header(scope, b'x-forwarded-proto') or 'http'}://{host}")


def _default_hosts() -> Collection[str]:
    return settings.ALLOWED_HOSTS or (DEBUG_HOSTS if settings.DEBUG else ())
