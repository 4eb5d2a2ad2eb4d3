"""The origins whose pages may open a socket; tests/native/test_origins.py asks the real processes."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from channels_live.conf.origins import parse_origins
from channels_live.middleware import OriginValidator

REQUEST_ID = "0123456789abcdef0123456789abcdef"
ALLOWED_HOSTS = ["chat.example.com", ".example.org", "[::1]"]


LISTED = ["https://app.example.net", "http://10.0.0.1:3000"]


async def handshake(
    *headers: tuple[str, str], allowed: list[str] = LISTED, query: bytes = b"token=secret", **options: Any
) -> list[str]:
    """Return what was sent, ``application`` where the handshake got through."""
    sent: list[str] = []

    async def application(scope, receive, send):
        sent.append("application")

    async def send(message):
        sent.append(message["type"])

    encoded = [(name.encode(), value.encode("latin1")) for name, value in (("x-request-id", REQUEST_ID), *headers)]
    scope = {"type": "websocket", "path": "/ws/feed/lobby/", "query_string": query, "headers": encoded}
    await OriginValidator(application, ALLOWED_HOSTS, allowed, **options)(scope, None, send)
    return sent


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("https", "chat.example.com", "https://chat.example.com"),
        ("https", "chat.example.com:443", "https://chat.example.com"),
        ("https", "chat.example.com", "https://chat.example.com:443"),
        ("https", "CHAT.example.com", "https://chat.EXAMPLE.com"),
        ("http", "chat.example.com:8080", "http://chat.example.com:8080"),
        ("https", "www.example.org", "https://www.example.org"),
        ("http", "[::1]:8080", "http://[::1]:8080"),
        # Not behind nginx.
        (None, "chat.example.com:9000", "http://chat.example.com:9000"),
        # Of the list, wherever they come to.
        ("https", "chat.example.com", "https://app.example.net"),
        ("http", "chat.example.com", "http://10.0.0.1:3000"),
    ],
)
async def test_the_pages_own_origin_and_those_of_the_list_get_through(scheme, host, origin):
    proto = [("x-forwarded-proto", scheme)] if scheme else []
    with capture_logs() as lines:
        assert await handshake(("host", host), ("origin", origin), *proto) == ["application"]
    assert lines == []


FOREIGN = [
    "null",
    "",
    "https://evil.example",
    "http://chat.example.com",
    "https://chat.example.com:8443",
    "https://chat.example.com.",
    "https://chat.example.com.evil.example",
    "https://evil-chat.example.com",
    "https://chat.example.community",
    "https://chat.example.com@evil.example",
    "https://evil.example@chat.example.com",
    "https://evil.example/https://chat.example.com",
    "https://chat.example.com/",
    "https://chat.example.com?",
    "https://chat.example.com#",
    "https://chat.example.com:",
    "https://chat.example.com:443:443",
    "https://chat.example.com:999999",
    "https://chat.example.com, https://evil.example",
    "https://chat.example.com https://evil.example",
    " https://chat.example.com",
    "https:chat.example.com",
    "https:/chat.example.com",
    "https:\\\\chat.example.com",
    "//chat.example.com",
    "chat.example.com",
    "wss://chat.example.com",
    "file://chat.example.com",
    "chrome-extension://chat.example.com",
    "https://www.example.org",
    "https://app.example.net:8443",
    "http://app.example.net",
    "https://sub.app.example.net",
    "http://10.0.0.1",
    "http://[",
    "https://[::1]",
    "https://xn--cht-5cd.example.com",
    "https://ch\xe0t.example.com",
    "https://chat.example.com\x00",
    "\xff",
]


@pytest.mark.parametrize("origin", [None, *FOREIGN])
async def test_any_other_is_refused_counted_and_logged_with_its_reason(origin):
    before = REGISTRY.get_sample_value("websocket_handshakes_total", {"result": "origin"})
    headers = [("host", "chat.example.com"), ("x-forwarded-proto", "https")]
    with capture_logs() as lines:
        assert await handshake(*headers, *([] if origin is None else [("origin", origin)])) == ["websocket.close"]
    assert REGISTRY.get_sample_value("websocket_handshakes_total", {"result": "origin"}) == before + 1
    assert lines == [
        {
            "event": "handshake refused",
            "log_level": "warning",
            "reason": "origin",
            "path": "/ws/feed/lobby/",
            "request_id": REQUEST_ID,
            "origin": origin,
            "expected": "https://chat.example.com",
            "allowed_hosts": ALLOWED_HOSTS,
        }
    ]


@pytest.mark.parametrize("host", ["evil.example", "chat.example.com.evil.example", "chat.example.com@evil.example", ""])
async def test_a_page_of_another_host_is_refused(host):
    assert await handshake(("host", host), ("origin", f"http://{host}")) == ["websocket.close"]


async def test_a_handshake_without_origin_needs_a_bearer_token():
    assert await handshake(("host", "chat.example.com"), ("authorization", "Bearer x")) == ["application"]
    assert await handshake(("host", "chat.example.com"), ("authorization", "Basic x")) == ["websocket.close"]
    foreign = ("origin", "https://evil.example")
    assert await handshake(("host", "chat.example.com"), ("authorization", "Bearer x"), foreign) == ["websocket.close"]


async def test_a_handshake_without_origin_may_present_what_a_credential_backend_finds(settings):
    settings.CHANNELS_LIVE = {**settings.CHANNELS_LIVE, "CREDENTIALS": [f"{__name__}.QueryBackend"]}
    assert await handshake(query=b"key=1") == ["application"]
    assert await handshake(query=b"other=1") == ["websocket.close"]


class QueryBackend:
    def find(self, scope):
        return scope["query_string"].decode().partition("key=")[2] or None


async def test_a_team_decides_about_handshakes_without_origin_and_about_no_others():
    def allow(scope):
        return scope["query_string"] == b"token"

    assert await handshake(query=b"token", allow_without_origin=allow) == ["application"]
    assert await handshake(query=b"", allow_without_origin=allow) == ["websocket.close"]
    foreign = ("origin", "https://evil.example")
    assert await handshake(foreign, query=b"token", allow_without_origin=allow) == ["websocket.close"]


def test_the_list_is_normalized():
    origins = parse_origins("ALLOWED_ORIGINS", ["https://App.example.com:443", "http://[::1]:3000"])
    assert origins == ["https://app.example.com", "http://[::1]:3000"]


NATIVE = [
    "capacitor://localhost",
    "ionic://localhost",
    "app://-",
    "app://localhost",
    "tauri://localhost",
    "http://tauri.localhost",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "moz-extension://9c1f2a0e-5b1d-4f6e-8a3b-0123456789ab",
    "safari-web-extension://9C1F2A0E-5B1D-4F6E-8A3B-0123456789AB",
    "vscode-webview://1u5q9k2f8rj3tq0p7m6n5b4v3c2x1z0a9s8d7f6g5h4j3k2l1m0n",
]


@pytest.mark.parametrize("origin", NATIVE)
async def test_pages_of_native_apps_and_extensions_get_through_if_the_list_has_them(origin):
    host = ("host", "chat.example.com")
    assert await handshake(host, ("origin", origin)) == ["websocket.close"]
    assert await handshake(host, ("origin", origin), allowed=parse_origins("ALLOWED_ORIGINS", [origin])) == [
        "application"
    ]
    # No more than itself.
    for other in (f"{origin}x", f"x{origin}", f"{origin}:8080", origin.partition("://")[0] + "://other"):
        allowed = parse_origins("ALLOWED_ORIGINS", [origin])
        assert await handshake(host, ("origin", other), allowed=allowed) == ["websocket.close"]


@pytest.mark.parametrize(
    "value",
    [
        *("*", "app.example.com", "https://*.example.com", "https://app.example.com/", "null", ""),
        *("capacitor://", "capacitor:localhost", "chrome-extension://*", "1app://localhost", "app ://x"),
        # A mistake, each: no page has such an origin.
        *("wss://chat.example.com", "ws://chat.example.com", "file://localhost", "ftp://example.com"),
    ],
)
def test_what_is_no_origin_is_refused_with_one_sentence(value):
    with pytest.raises(ImproperlyConfigured, match=r"^ALLOWED_ORIGINS: expected scheme://host or .+\.$"):
        parse_origins("ALLOWED_ORIGINS", [value])
