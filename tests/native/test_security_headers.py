"""Every response of web, ws and nginx has the security headers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from deploy.local import Stack, ports

EXPECTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
HTTPS = {"X-Forwarded-Proto": "https"}
ANSWERS = {
    "a page": ("GET", "/chat/", 200),
    "a room": ("GET", "/chat/lobby/", 200),
    "a redirect": ("GET", "/", 302),
    "a static file": ("GET", "/static/{style}", 200),
    "no static file": ("GET", "/static/nowhere.js", 404),
    "robots.txt": ("GET", "/robots.txt", 200),
    "the API": ("GET", "/api/rooms/lobby/messages", 200),
    "an error of the API": ("POST", "/api/rooms/lobby/messages", 401),
    "a wrong method": ("DELETE", "/api/rooms/lobby/messages", 405),
    "not found": ("GET", "/nowhere", 404),
    "no CSRF token": ("POST", "/accounts/login/", 403),
    "the admin": ("GET", "/admin/login/", 200),
    "nginx: health": ("GET", "/healthz", 200),
    "nginx: metrics": ("GET", "/metrics", 404),
    "nginx: no upgrade": ("GET", "/ws/chat/lobby/", 426),
    "nginx: style": ("GET", "/errors/error.css", 200),
    "nginx: not a page to ask for": ("GET", "/errors/503.html", 404),
    "nginx: too long": ("GET", "/chat/?x=" + "x" * 9000, 414),
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"TRUSTED_PROXIES": "127.0.0.1"}
    with Stack(tmp_path_factory.mktemp("headers"), ws_processes=1, environment=environment) as stack:
        yield stack


def style_of(stack: Stack) -> str:
    return httpx.get(f"{stack.url}/chat/").text.partition('rel="stylesheet" href="/static/')[2].partition('"')[0]


def expect_headers(headers: httpx.Headers) -> None:
    """Each header occurs once, because browsers may use either of two."""
    for name, value in EXPECTED.items():
        assert headers.get_list(name) == [value], name
    (policy,) = headers.get_list("content-security-policy")
    directives = {directive.strip() for directive in policy.split(";")}
    assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= directives
    assert "unsafe" not in policy


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS.values(), ids=ANSWERS)
def test_every_response_has_each_security_header_once(stack: Stack, method: str, path: str, status: int) -> None:
    url = stack.url + path.replace("{style}", style_of(stack))
    answer = httpx.request(method, url)
    assert answer.status_code == status
    expect_headers(answer.headers)
    assert "strict-transport-security" not in answer.headers
    if status != 414:  # nginx has not read X-Forwarded-Proto at that point
        secure = httpx.request(method, url, headers=HTTPS)
        assert secure.headers.get_list("strict-transport-security") == ["max-age=3600"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /chat/ HTTP/1.1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /chat/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 421),
    ],
    ids=["no host", "no HTTP", "unknown host"],
)
async def test_responses_of_nginx_itself_have_security_headers(stack: Stack, request_: bytes, status: int) -> None:
    reader, writer = await asyncio.open_connection(ports.HOST, stack.port)
    writer.write(request_)
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    first, *lines = head.strip().split("\r\n")
    assert first.split()[1] == str(status)
    expect_headers(httpx.Headers([tuple(line.split(": ", 1)) for line in lines]))


def test_handshake_responses_have_security_headers(stack: Stack) -> None:
    address = f"{stack.url.replace('http', 'ws', 1)}/ws/chat/lobby/"
    with connect(address, origin=stack.url) as socket:  # type: ignore[arg-type]
        assert socket.response
        expect_headers(httpx.Headers(list(socket.response.headers.raw_items())))
    with pytest.raises(InvalidStatus) as refused:
        connect(address, origin="https://evil.example")  # type: ignore[arg-type]
    expect_headers(httpx.Headers(list(refused.value.response.headers.raw_items())))


def test_header_of_a_view_is_not_overridden(stack: Stack) -> None:
    policy = httpx.get(f"{stack.url}/chat/").headers["content-security-policy"]
    assert {"script-src 'self'", "connect-src 'self'"} <= {part.strip() for part in policy.split(";")}


def test_error_pages_have_security_headers_while_web_is_down(tmp_path: Path) -> None:
    with Stack(tmp_path, ws_processes=1, environment={"HSTS_SECONDS": "0", "TRUSTED_PROXIES": "127.0.0.1"}) as stack:
        assert "strict-transport-security" not in httpx.get(f"{stack.url}/chat/", headers=HTTPS).headers
        stack.process("web").stop()
        for path in ("/chat/", "/api/rooms/lobby/messages"):
            answer = httpx.get(stack.url + path, headers=HTTPS)
            assert answer.status_code == 503
            expect_headers(answer.headers)
            assert "strict-transport-security" not in answer.headers
