"""Security headers of every response, whether web, ws or nginx itself sends it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from deploy.local import Stack, ports
from tests.support.feed_sockets import open_feed
from tests.support.feed_stack import FeedStack

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
    "a page": ("GET", "/feed/", 200),
    "a page of web": ("GET", "/accounts/login/", 200),
    "a redirect": ("GET", "/", 302),
    "a static file": ("GET", "/static/{style}", 200),
    "no static file": ("GET", "/static/nowhere.js", 404),
    "robots.txt": ("GET", "/robots.txt", 200),
    "the API": ("GET", "/api/feeds/lobby/posts", 200),
    "an error of the API": ("POST", "/api/feeds/lobby/posts", 401),
    "a wrong method": ("DELETE", "/api/feeds/lobby/posts", 405),
    "not found": ("GET", "/nowhere", 404),
    "no CSRF token": ("POST", "/accounts/login/", 403),
    "the admin": ("GET", "/admin/login/", 200),
    "nginx: health": ("GET", "/healthz", 200),
    "nginx: metrics": ("GET", "/metrics", 404),
    "nginx: no upgrade": ("GET", "/ws/feed/lobby/", 426),
    "nginx: style": ("GET", "/errors/error.css", 200),
    "nginx: not a page to ask for": ("GET", "/errors/503.html", 404),
    "nginx: too long": ("GET", "/feed/?x=" + "x" * 9000, 414),
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"TRUSTED_PROXIES": "127.0.0.1"}
    with FeedStack(tmp_path_factory.mktemp("headers"), ws_processes=1, environment=environment) as stack:
        yield stack


def style_of(stack: Stack) -> str:
    return (
        httpx.get(f"{stack.url}/accounts/login/").text.partition('rel="stylesheet" href="/static/')[2].partition('"')[0]
    )


def expect_headers(headers: httpx.Headers) -> None:
    """Each header occurs once, because browsers may use either of two."""
    for name, value in EXPECTED.items():
        assert headers.get_list(name) == [value], name
    (policy,) = headers.get_list("content-security-policy")
    directives = {directive.strip() for directive in policy.split(";")}
    assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= directives
    assert "unsafe" not in policy


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS.values(), ids=ANSWERS)
def test_every_response_has_each_header_once(stack: Stack, method: str, path: str, status: int) -> None:
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
        (b"GET /feed/ HTTP/1.1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /feed/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 421),
    ],
    ids=["no host", "no HTTP", "unknown host"],
)
async def test_refusals_of_nginx_have_each_header_once(stack: Stack, request_: bytes, status: int) -> None:
    reader, writer = await asyncio.open_connection(ports.HOST, stack.port)
    writer.write(request_)
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    first, *lines = head.strip().split("\r\n")
    assert first.split()[1] == str(status)
    expect_headers(httpx.Headers([tuple(line.split(": ", 1)) for line in lines]))


def test_responses_to_handshakes_have_each_header_once(stack: Stack) -> None:
    with open_feed(stack.url) as socket:
        assert socket.response
        expect_headers(httpx.Headers(list(socket.response.headers.raw_items())))
    with pytest.raises(InvalidStatus) as refused:
        open_feed(stack.url, origin="https://evil.example")
    expect_headers(httpx.Headers(list(refused.value.response.headers.raw_items())))


def test_content_security_policy_of_a_page_replaces_the_default(stack: Stack) -> None:
    policy = httpx.get(f"{stack.url}/accounts/login/").headers["content-security-policy"]
    assert {"script-src 'self'", "connect-src 'self'"} <= {part.strip() for part in policy.split(";")}


def test_error_pages_of_nginx_have_each_header_while_web_is_down(tmp_path: Path) -> None:
    with FeedStack(
        tmp_path, ws_processes=1, environment={"HSTS_SECONDS": "0", "TRUSTED_PROXIES": "127.0.0.1"}
    ) as stack:
        assert "strict-transport-security" not in httpx.get(f"{stack.url}/feed/", headers=HTTPS).headers
        stack.process("web").stop()
        for path in ("/feed/", "/api/feeds/lobby/posts"):
            answer = httpx.get(stack.url + path, headers=HTTPS)
            assert answer.status_code == 503
            expect_headers(answer.headers)
            assert "strict-transport-security" not in answer.headers
