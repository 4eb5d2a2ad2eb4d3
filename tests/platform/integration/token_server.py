"""The server of ws with routes of a team that authenticates by itself, each with a stack of its own.

``/ws/devices/`` takes a token from ``Authorization``, the query string or a subprotocol; ``/ws/partner/`` has no rule;
the feed keeps the template's stack.
"""

import os
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from django.urls import path

from channels_live.consumers import DirectConsumer

TOKEN = "the-secret-token"


def token_in(scope: dict[str, Any]) -> str | None:
    """Return a token as three kinds of clients present it."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            return str(value.decode().removeprefix("Token "))
    if scope["subprotocols"][:1] == ["bearer"]:
        return str(scope["subprotocols"][1])
    return parse_qs(scope["query_string"].decode()).get("token", [None])[0]


class TokenMiddleware:
    """A team's own: it answers 401 with a body, and 403 to a token that is known and may not."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        token = token_in(scope)
        if token == TOKEN:
            await self._application({**scope, "user": "device-7"}, receive, send)
            return
        assert "websocket.http.response" in scope["extensions"]
        status, scheme = (401, b"Token") if token is None else (403, b"")
        headers = [(b"Content-Type", b"application/json"), (b"WWW-Authenticate", scheme), (b"X-Team", "é".encode())]
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b'{"error": ', "more_body": True})
        await send({"type": "websocket.http.response.body", "body": f'"{status}"}}'.encode()})


class DeviceConsumer(AsyncWebsocketConsumer):
    channel_layer_alias = None

    async def connect(self) -> None:
        headers = [(b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2"), (b"X-Device", self.scope.get("user", "").encode())]
        subprotocol = next(iter(self.scope["subprotocols"]), None)
        await self.accept(subprotocol, headers=headers)
        await self.send(self.scope.get("user", "nobody"))


class DirectDeviceConsumer(DirectConsumer):
    async def connect(self) -> None:
        await DeviceConsumer.connect(self)  # type: ignore[arg-type]


class FailingConsumer(AsyncWebsocketConsumer):
    channel_layer_alias = None

    async def connect(self) -> None:
        await self.accept(headers=[(b"X-Split", b"a\r\nX-Injected: b")])


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ws.settings")
    # Before the application: it chooses Twisted's reactor.
    import channels_live.server.server  # noqa: F401
    from channels_live.server import main

    django.setup()
    import feed.routing
    from channels_live.middleware import OriginValidator, websocket_middleware

    devices = websocket_middleware(
        DeviceConsumer.as_asgi(),
        origins=partial(OriginValidator, allow_without_origin=lambda scope: True),
        authentication=TokenMiddleware,
    )
    partner = websocket_middleware(DeviceConsumer.as_asgi(), origins=None, authentication=None)
    feed.routing.websocket_urlpatterns_without_middleware = [  # type: ignore[attr-defined]
        path("ws/devices/", devices),
        path("ws/partner/", partner),
        path("ws/direct/", DirectDeviceConsumer.as_asgi()),  # type: ignore[arg-type]
        path("ws/failing/", FailingConsumer.as_asgi()),  # type: ignore[arg-type]
    ]
    main()
