"""Handshakes through the middleware, without a server."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model

from channels_live.middleware import AuthenticationMiddleware, Identity
from channels_live.server.capacity import Admission

# The headers of a page of the project's own.
OWN_PAGE = {"host": "localhost", "origin": "http://localhost"}
SUBPROTOCOL = "journal.v1"


class HandshakeServer:
    def __init__(self, most: int = 10, most_of_user: int = 10) -> None:
        self.admission = Admission(most, most_of_user)


class Socket:
    """What the middleware needs of channels_live.server.protocol.WebSocketProtocol in its handshake."""

    STATE_CONNECTING = state = 1

    def __init__(self, server: HandshakeServer) -> None:
        self.server = server
        self.subjects: tuple[str, ...] = ()
        self.closed_with: int | None = None

    def accept(self, subprotocol: str | None) -> None:
        self.subprotocol = subprotocol

    def close_discarding_input(self, code: int, reason: str) -> None:
        self.closed_with = code


class DeviceBackend:
    """A credential of the project's own, in the query string: ``device=<name>``."""

    name = "device"

    def find(self, scope: Mapping[str, Any]) -> str | None:
        key, _, value = scope["query_string"].decode().partition("=")
        return value if key == "device" else None

    def authenticate(self, credential: str) -> Identity | None:
        return Identity(get_user_model()(pk=7, username="toaster"), ("device:7",)) if credential == "known" else None


class Result:
    def __init__(self) -> None:
        self.scope: dict[str, Any] | None = None
        self.sent: list[dict[str, Any]] = []

    @property
    def username(self) -> str | None:
        return None if self.scope is None else self.scope["user"].get_username()


async def handshake(
    wrap: Any, *, query: str = "", server: HandshakeServer | None = None, **headers: str
) -> tuple[Result, Socket | None]:
    """Send a handshake through ``wrap(application)``, and return what arrived there and what was sent."""
    result = Result()

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        result.scope = scope

    async def send(message: dict[str, Any]) -> None:
        result.sent.append(message)

    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/ws/",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "subprotocols": [SUBPROTOCOL],
    }
    socket = None
    if server:
        socket = scope["channels_live.socket"] = Socket(server)
    await asyncio.wait_for(wrap(application)(scope, None, send), 10)
    return result, socket


with_device = partial(AuthenticationMiddleware, credentials=[DeviceBackend()])
