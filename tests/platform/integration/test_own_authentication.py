"""A team's own authentication, route by route, for clients that are no browsers; through nginx and at a ws process."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from deploy.local import Stack
from tests.platform.integration.token_server import TOKEN
from tests.support.feed_stack import FeedStack
from tests.support.raw_sockets import metric


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json"}
    stack = FeedStack(tmp_path_factory.mktemp("tokens"), environment, ws_processes=1)
    ws = stack.process("ws-1")
    ws.command = [sys.executable, "-m", "tests.platform.integration.token_server"]
    ws.environment = {**ws.environment, "PYTHONPATH": f"{stack.environment['PYTHONPATH']}:{Path.cwd()}"}
    with stack:
        yield stack


@pytest.fixture(params=["nginx", "ws-1"])
def url(stack: Stack, request: pytest.FixtureRequest) -> str:
    return stack.process(request.param).url.replace("http", "ws", 1)


HEADER = {"additional_headers": {"Authorization": f"Token {TOKEN}"}}
WAYS = {
    "header": ("", HEADER),
    "query string": (f"?token={TOKEN}", {}),
    "subprotocol": ("", {"subprotocols": ["bearer", TOKEN]}),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_native_client_without_origin_is_authenticated_by_the_teams_middleware(url: str, way: str) -> None:
    query, options = WAYS[way]
    with connect(f"{url}/ws/devices/{query}", **options) as socket:
        assert socket.recv(10) == "device-7"
        assert socket.subprotocol == ("bearer" if way == "subprotocol" else None)


def denied(url: str, **options: object) -> InvalidStatus:
    with pytest.raises(InvalidStatus) as refused:
        connect(url, **options)
    return refused.value


@pytest.mark.parametrize(("query", "status"), [("", 401), ("?token=other", 403)])
def test_the_answer_of_the_teams_middleware_reaches_the_client_and_is_counted(
    stack: Stack, url: str, query: str, status: int
) -> None:
    rejected = 'websocket_handshakes_total{result="rejected"}'
    before = metric(stack.process("ws-1").url, rejected)
    response = denied(f"{url}/ws/devices/{query}").response
    assert (response.status_code, response.body) == (status, f'{{"error": "{status}"}}'.encode())
    assert response.headers["X-Team"].encode("latin1").decode() == "é"
    assert response.headers["Content-Type"] == "application/json"
    assert ("WWW-Authenticate", "Token") in response.headers.raw_items() or status == 403
    assert metric(stack.process("ws-1").url, rejected) == before + 1


def test_each_route_has_a_stack_of_its_own(url: str) -> None:
    foreign = "https://evil.example"
    with connect(f"{url}/ws/partner/", origin=foreign) as socket:  # type: ignore[arg-type]
        assert socket.recv(10) == "nobody"
    assert denied(f"{url}/ws/devices/?token={TOKEN}", origin=foreign).response.status_code == 403
    # The template's stack.
    assert denied(f"{url}/ws/feed/news/?token={TOKEN}").response.status_code == 403
    assert closed_with(connect(f"{url}/ws/nowhere/", origin=url.replace("ws", "http", 1))) == 4404  # type: ignore[arg-type]


def closed_with(socket: ClientConnection) -> int | None:
    with socket, pytest.raises(ConnectionClosed):
        socket.recv(10)
    return socket.close_code


@pytest.mark.parametrize(("path", "device"), [("devices", "device-7"), ("direct", "")])
def test_headers_of_accept_reach_the_client(url: str, path: str, device: str) -> None:
    with connect(f"{url}/ws/{path}/", **HEADER) as socket:  # type: ignore[arg-type]
        assert socket.response
        assert socket.response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
        assert socket.response.headers["X-Device"] == device


def test_a_header_of_accept_cannot_split_the_response(url: str) -> None:
    response = denied(f"{url}/ws/failing/").response
    assert response.status_code == 500
    assert "X-Injected" not in response.headers


def test_no_log_has_the_token(stack: Stack) -> None:
    for query, options in WAYS.values():
        for name in ("nginx", "ws-1"):
            url = stack.process(name).url.replace("http", "ws", 1)
            for path in ("devices", "nowhere", "failing", "feed/news"):
                with contextlib.suppress(InvalidStatus), connect(f"{url}/ws/{path}/{query}", **options):  # type: ignore[arg-type]
                    pass
    logs = "".join(stack.process(name).log.read_text() for name in ("nginx", "ws-1"))
    assert "/ws/devices/" in logs
    assert "Exception inside application" in logs
    assert TOKEN not in logs
