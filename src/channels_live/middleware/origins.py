"""The origins whose pages may open a WebSocket, or read from an HTTP consumer.

Browsers send cookies with a handshake whatever page it comes from, and ask no CORS: this check is what keeps other
sites from acting as their visitor (cross-site WebSocket hijacking; RFC 6455, section 10.2).
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from channels_live.conf import live_settings, normalized_origin
from channels_live.middleware.cors import answer_preflight, is_preflight, with_cors
from channels_live.middleware.credentials import presents_credential
from channels_live.observability.request_id import header
from channels_live.server.refusals import MAX_LOGGED_CHARS, deny, log_refusal

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

    The same holds for an HTTP request, whose response has the headers of CORS that let a page of another allowed origin
    read it. A page sends no origin with a GET to its own; only where the browser says by Sec-Fetch-Site that the page
    is another's is such a GET refused, since nothing else lets a foreign page read the response.
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
            await (deny(scope, send, 403) if scope["type"] == "http" else send({"type": "websocket.close"}))
        elif scope["type"] == "http" and origin is not None and normalized_origin(origin) != own:
            send = with_cors(send, origin)
            await (answer_preflight(scope, send) if is_preflight(scope) else self._application(scope, receive, send))
        else:
            await self._application(scope, receive, send)

    def _is_allowed(self, scope: Mapping[str, Any], origin: str | None, own: str | None) -> bool:
        if origin is None:
            return _is_read_by_own_page(scope, own) or self._allow_without_origin(scope)
        given = normalized_origin(origin)
        return given is not None and (given == own or given in self._allowed_origins)

    def _own_origin(self, scope: Mapping[str, Any]) -> str | None:
        """Return the origin of the pages that this address belongs to; None where no such page is served."""
        host = header(scope, b"host") or ""
        if not validate_host(split_domain_port(host)[0], self._allowed_hosts):
            return None
        return normalized_origin(f"{header(scope, b'x-forwarded-proto') or 'http'}://{host}")


def _is_read_by_own_page(scope: Mapping[str, Any], own: str | None) -> bool:
    is_read = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    # Browsers leave Sec-Fetch-Site out at plain http, except for their own machine.
    return is_read and own is not None and header(scope, b"sec-fetch-site") in (None, "same-origin", "none")


def _default_hosts() -> Collection[str]:
    return settings.ALLOWED_HOSTS or (DEBUG_HOSTS if settings.DEBUG else ())
