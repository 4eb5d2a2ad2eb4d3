"""Pages of other origins, at a real nginx and at a real ws process."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from deploy.local import Stack
from tests.support.feed_stack import FeedStack

ALLOWED = "https://app.example.net"
# Origins of a mobile app and of a browser extension.
NATIVE = ["capacitor://localhost", "chrome-extension://abcdefghijklmnopabcdefghijklmnop"]
ENVIRONMENT = {"ALLOWED_ORIGINS": ",".join([ALLOWED, *NATIVE]), "TRUSTED_PROXIES": "127.0.0.2", "LOG_FORMAT": "json"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with FeedStack(tmp_path_factory.mktemp("origins"), ws_processes=1, environment=ENVIRONMENT) as stack:
        yield stack


@pytest.fixture(params=["nginx", "ws-1"])
def url(stack: Stack, request: pytest.FixtureRequest) -> str:
    return stack.process(request.param).url


def status(url: str, origin: bytes | None, *more: str, source: str = "127.0.0.1") -> int:
    """Return the HTTP status of a handshake with exactly this Origin."""
    address = urlsplit(url)
    lines = [
        "GET /ws/feed/lobby/ HTTP/1.1",
        f"Host: {address.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *more,
    ]
    head = "\r\n".join(lines).encode() + (b"" if origin is None else b"\r\nOrigin: " + origin) + b"\r\n\r\n"
    assert address.hostname
    with socket.create_connection((address.hostname, address.port or 80), 15, source_address=(source, 0)) as line:
        line.sendall(head)
        return int(line.recv(4096).split(b" ", 2)[1])


def foreign(url: str) -> list[bytes | None]:
    host, port = urlsplit(url).hostname, urlsplit(url).port
    own = f"http://{host}"
    texts = [
        "null",
        "",
        "http://evil.example",
        own,
        f"{own}:{int(port or 0) + 1}",
        f"https://{host}:{port}",
        f"ws://{host}:{port}",
        f"{own}.:{port}",
        f"{own}.evil.example:{port}",
        f"http://evil-{host}:{port}",
        f"http://{host}.nip.io:{port}",
        f"http://{host}@evil.example:{port}",
        f"http://evil.example@{host}:{port}",
        f"http://user:password@{host}:{port}",
        f"{own}:{port}/",
        f"{own}:{port}/path",
        f"{own}:{port}?",
        f"{own}:{port}#evil",
        f"{own}:{port}:{port}",
        f"{own}:{port}, http://evil.example",
        f"{own}:{port} http://evil.example",
        f"{own}:0{port}",
        f"{host}:{port}",
        f"//{host}:{port}",
        f"http:{host}:{port}",
        f"http:\\\\{host}:{port}",
        f"http://localhost:{port}",
        f"http://[::1]:{port}",
        f"http://127.1:{port}",
        f"http://2130706433:{port}",
        f"http://0x7f000001:{port}",
        f"http://xn--127-1sa.0.0.1:{port}",
        "http://[",
        "http://[::1",
        "http://:80",
        "about:blank",
        "file://",
        "file:///etc/passwd",
        "data:text/html,x",
        "javascript:alert(1)",
        f"chrome-extension://{host}",
        "https://app.example.net.",
        "https://app.example.net:8443",
        "http://app.example.net",
        "https://sub.app.example.net",
        "https://app.example.net.evil.example",
        "https://app.example.network",
        "https://app_example.net",
    ]
    # Cyrillic and full-width letters, and invalid UTF-8.
    return [
        None,
        *(text.encode() for text in texts),
        "https://аpp.example.net".encode(),
        "http://１２７.0.0.1".encode(),
        b"\xff\xfe",
    ]


def test_foreign_origin_is_refused_with_403_and_logged(stack, url):
    origins = foreign(url)
    log = stack.process("ws-1").log
    before = log.read_text().count('"reason": "origin"')
    assert {origin: status(url, origin) for origin in origins} == dict.fromkeys(origins, 403)
    assert log.read_text().count('"reason": "origin"') == before + len(origins)


def test_own_origin_and_allowed_origins_are_accepted(url):
    for origin in (url, url.upper(), ALLOWED, ALLOWED.upper(), f"{ALLOWED}:443", *NATIVE):
        assert status(url, origin.encode()) == 101


@pytest.mark.parametrize("origin", [ALLOWED, *NATIVE])
def test_allowed_origins_may_use_the_api(stack, origin):
    address = f"{stack.url}/api/feeds/lobby/posts"
    asks = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    assert httpx.options(address, headers=asks).headers["access-control-allow-origin"] == origin
    assert httpx.get(address, headers={"Origin": origin}).headers["access-control-allow-origin"] == origin
    foreign = httpx.get(address, headers={"Origin": origin.replace("://", "://evil.")})
    assert "access-control-allow-origin" not in foreign.headers


def test_scheme_of_the_origin_is_that_of_the_trusted_proxy(stack):
    url, own = stack.url, stack.url.replace("http", "https").encode()
    assert status(url, own, "X-Forwarded-Proto: https") == 403
    assert status(url, own, "X-Forwarded-Proto: https", source="127.0.0.2") == 101
    assert status(url, stack.url.encode(), "X-Forwarded-Proto: https", source="127.0.0.2") == 403


def test_handshake_for_another_host_is_refused(url, stack):
    # DNS rebinding: a page resolves its own host name to this server.
    with httpx.Client() as client:
        headers = {"Host": "evil.example", "Origin": "http://evil.example", "Upgrade": "websocket"}
        headers |= {
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        assert client.get(f"{url}/ws/feed/lobby/", headers=headers).status_code == (421 if url == stack.url else 403)
