"""The logs of a whole stack: one JSON line per event, one request id in all processes, and no secret."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from deploy.local import Stack
from tests.support.feed_stack import FeedStack
from tests.support.tokens import make_token

Line = dict[str, Any]
# The most verbose settings.
SETTINGS = {"LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG", "DEBUG": "true"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with FeedStack(tmp_path_factory.mktemp("logs"), ws_processes=1, environment=SETTINGS) as stack:
        yield stack


def text_of(stack: Stack, name: str) -> str:
    return stack.process(name).log.read_text()


def wait_for(stack: Stack, name: str, is_wanted: Callable[[Line], bool]) -> Line:
    """Return the first log line that is wanted. It can be written after the response was sent."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for line in text_of(stack, name).splitlines():
            if line.startswith("{") and is_wanted(found := json.loads(line)):
                return found
        time.sleep(0.02)
    pytest.fail(f"no such line in the log of {name}:\n{text_of(stack, name)}")


def open_socket(
    stack: Stack, path: str = "/ws/feed/lobby/", origin: str | None = None, **options: Any
) -> ClientConnection:
    address = stack.url.replace("http", "ws", 1) + path
    return connect(address, origin=origin or stack.url, **options)  # type: ignore[arg-type]


def test_request_has_one_id_in_all_logs_and_in_its_response(stack):
    answer = httpx.get(f"{stack.url}/feed/lobby/?secret=1")
    request_id = answer.headers["x-request-id"]
    proxied = wait_for(stack, "nginx", lambda line: line.get("request_id") == request_id)
    assert {"method": "GET", "path": "/feed/lobby/", "status": 200, "upstream_status": "200"}.items() <= proxied.items()
    assert proxied["duration_s"] >= 0
    access = wait_for(stack, "web", lambda line: line.get("request_id") == request_id and line["event"] == "request")
    assert access["logger"] == "web.access"
    assert {"method": "GET", "route": "/feed/<slug:name>/", "status": 200}.items() <= access.items()
    assert access["duration_ms"] > 0


def test_request_id_of_an_untrusted_address_is_replaced(stack):
    answer = httpx.get(f"{stack.url}/feed/", headers={"X-Request-ID": "chosen-by-a-stranger"})
    assert answer.headers["x-request-id"] != "chosen-by-a-stranger"


def test_valid_request_id_of_a_trusted_proxy_is_kept(tmp_path):
    with FeedStack(tmp_path, ws_processes=1, environment={**SETTINGS, "TRUSTED_PROXIES": "127.0.0.1"}) as stack:
        answer = httpx.get(f"{stack.url}/feed/", headers={"X-Request-ID": "chosen-by-the-proxy"})
        assert answer.headers["x-request-id"] == "chosen-by-the-proxy"
        wait_for(stack, "web", lambda line: line.get("request_id") == "chosen-by-the-proxy")
        answer = httpx.get(f"{stack.url}/feed/", headers={"X-Request-ID": 'a"b or not an id'})
        assert "or not" not in answer.headers["x-request-id"]


def test_refused_handshake_is_logged_with_its_reason(stack):
    with pytest.raises(InvalidStatus) as refused:
        open_socket(stack, origin="https://evil.example")
    request_id = refused.value.response.headers["x-request-id"]
    line = wait_for(stack, "ws-1", lambda line: line.get("request_id") == request_id)
    assert line["event"] == "handshake refused"
    assert line["reason"] == "origin"
    assert line["origin"] == "https://evil.example"
    assert line["level"] == "warning"
    proxied = wait_for(stack, "nginx", lambda line: line.get("request_id") == request_id)
    assert {"status": 403, "upgrade": "websocket"}.items() <= proxied.items()


def test_unknown_path_of_a_socket_is_logged(stack):
    with open_socket(stack, "/ws/nowhere/") as socket:
        assert socket.response
        request_id = socket.response.headers["x-request-id"]
    line = wait_for(stack, "ws-1", lambda line: line.get("request_id") == request_id)
    assert (line["reason"], line["path"]) == ("not_found", "/ws/nowhere/")


@pytest.mark.parametrize("name", ["web", "ws-1", "nginx"])
def test_every_log_line_is_json(stack, name):
    httpx.get(f"{stack.url}/feed/")
    lines = text_of(stack, name).splitlines()
    assert lines
    assert all(isinstance(json.loads(line), dict) for line in lines)


def test_no_log_holds_texts_or_credentials(tmp_path):
    with FeedStack(tmp_path, ws_processes=2, environment=SETTINGS) as stack:
        token = make_token(stack)
        cookies = {"sessionid": "planted-session", "guest": "planted-guest:cookie"}
        with httpx.Client(base_url=stack.url, cookies=cookies) as client:
            client.get("/feed/lobby/", params={"token": "planted-query"}, headers={"Referer": "/?planted-referer"})
            client.get("/nowhere", params={"token": "planted-query"})
            bearer = {"Authorization": f"Bearer {token}"}
            posts: list[dict[str, Any]] = [
                {"json": {"text": "planted-text"}, "headers": bearer},
                {"json": {"text": "planted-text"}},
                {"json": {"text": "planted-text"}, "headers": {"Authorization": "Bearer planted-token"}},
                {"content": b'{"text": "planted-text', "headers": bearer},
            ]
            statuses = [client.post("/api/feeds/lobby/posts?token=planted-query", **post).status_code for post in posts]
            assert statuses == [201, 401, 401, 400]
            client.post("/accounts/login/", data={"username": "planted-user", "password": "planted-password"})
            cookie_header = {"Cookie": "sessionid=planted-session"}
            path = "/ws/feed/lobby/?token=planted-query"
            with open_socket(stack, path, additional_headers=cookie_header) as socket:
                for text in ('{"type": "entry", "id": "1", "text": "planted-text"}', "planted-text, and no JSON"):
                    socket.send(text)
                    socket.recv(10)
            with pytest.raises(InvalidStatus):
                open_socket(stack, path, origin="https://evil.example", additional_headers=cookie_header)
            stack.process("redis").kill()
            client.post("/api/feeds/lobby/posts?token=planted-query", json={"text": "planted-text"}, headers=bearer)
            for name in ("web", "ws-1", "ws-2"):
                stack.process(name).kill()
            assert client.get("/feed/?token=planted-query").status_code == 503
            with pytest.raises(InvalidStatus):
                open_socket(stack, path, additional_headers=cookie_header)
    for log in (tmp_path / "log").iterdir():
        for line in log.read_text().splitlines():
            assert "planted" not in line, log.name
            assert token not in line, log.name


def test_error_is_logged_with_its_traceback_and_request_id(tmp_path):
    with FeedStack(tmp_path, ws_processes=1, environment=SETTINGS | {"DEBUG": "false"}) as stack:
        (tmp_path / "db.sqlite3").write_bytes(b"no database " * 1000)
        for journal in tmp_path.glob("db.sqlite3-*"):
            journal.unlink()
        answer = httpx.get(f"{stack.url}/api/feeds/lobby/posts")
        assert answer.status_code in {500, 503}
        request_id = answer.headers["x-request-id"]
        line = wait_for(stack, "web", lambda line: line.get("request_id") == request_id and "exception" in line)
        assert line["level"] == "error"
        assert "Traceback" in line["exception"]
        assert "DatabaseError: file is not a database" in line["exception"]
