"""websocket_middleware: which parts it has, and how a project leaves one out or replaces it."""

from functools import partial
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser

from channels_live.middleware import OriginValidator, not_found, websocket_middleware
from tests.support.handshakes import OWN_PAGE, SUBPROTOCOL, HandshakeServer, handshake, with_device


async def test_default_middleware_checks_origin_user_and_capacity():
    server = HandshakeServer(most=1)
    result, _ = await handshake(partial(websocket_middleware, authentication=with_device), **OWN_PAGE)
    assert isinstance(result.scope["user"], AnonymousUser)
    foreign, _ = await handshake(websocket_middleware, host="localhost", origin="http://evil.example")
    assert foreign.sent == [{"type": "websocket.close"}]
    await handshake(websocket_middleware, server=server, **OWN_PAGE)
    _, second = await handshake(websocket_middleware, server=server, **OWN_PAGE)
    assert (second.closed_with, second.subprotocol) == (1013, SUBPROTOCOL)


async def test_each_part_can_be_left_out():
    result, _ = await handshake(partial(websocket_middleware, origins=None), host="localhost", origin="http://evil")
    assert result.username == ""
    result, _ = await handshake(partial(websocket_middleware, authentication=None), **OWN_PAGE)
    assert "user" not in result.scope
    server = HandshakeServer(most=0)
    result, _ = await handshake(partial(websocket_middleware, process_limit=None), server=server, **OWN_PAGE)
    assert result.username == ""
    server = HandshakeServer(most_of_user=1)
    wrap = partial(websocket_middleware, user_limit=None, authentication=with_device)
    for _ in range(2):
        result, _ = await handshake(wrap, query="device=known", server=server, **OWN_PAGE)
        assert result.username == "toaster"


async def test_authentication_can_be_replaced():
    def team(application: Any) -> Any:
        async def authenticate(scope: dict[str, Any], receive: Any, send: Any) -> None:
            await application({**scope, "user": get_user_model()(pk=1, username="by the team")}, receive, send)

        return authenticate

    result, _ = await handshake(partial(websocket_middleware, authentication=team), **OWN_PAGE)
    assert result.username == "by the team"


async def test_not_found_closes_with_4404():
    result, _ = await handshake(lambda application: not_found)
    assert [message.get("code") for message in result.sent] == [None, 4404]


@pytest.mark.parametrize(("debug", "allowed"), [(True, True), (False, False)])
async def test_empty_allowed_hosts_allow_localhost_with_debug_only(settings, debug, allowed):
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, []
    result, _ = await handshake(websocket_middleware, host="127.0.0.1:8000", origin="http://127.0.0.1:8000")
    assert (result.scope is not None) == allowed
    foreign, _ = await handshake(OriginValidator, host="evil.example", origin="http://evil.example")
    assert foreign.scope is None
