import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from ws.handshakes import OriginCheck

REQUEST_ID = "0123456789abcdef0123456789abcdef"


async def handshake(*origins: bytes) -> list[str]:
    """Return what was sent, ``application`` where the handshake got through."""
    sent: list[str] = []

    async def application(scope, receive, send):
        sent.append("application")

    async def send(message):
        sent.append(message["type"])

    headers = [(b"x-request-id", REQUEST_ID.encode()), *((b"origin", origin) for origin in origins)]
    scope = {"type": "websocket", "path": "/ws/chat/lobby/", "query_string": b"token=secret", "headers": headers}
    await OriginCheck(application, ["chat.example.com", ".example.org"])(scope, None, send)
    return sent


@pytest.mark.parametrize(
    "origin", [b"https://chat.example.com", b"http://chat.example.com:8080", b"https://www.example.org"]
)
async def test_a_page_of_an_allowed_host_gets_through(origin):
    with capture_logs() as lines:
        assert await handshake(origin) == ["application"]
    assert lines == []


@pytest.mark.parametrize(
    "origin",
    [None, b"null", b"", b"https://evil.example", b"https://chat.example.com.evil.example", b"http://[", b"\xff"],
)
async def test_any_other_is_refused_counted_and_logged_with_its_reason(origin):
    before = REGISTRY.get_sample_value("websocket_handshakes_total", {"result": "origin"})
    with capture_logs() as lines:
        assert await handshake(*([] if origin is None else [origin])) == ["websocket.close"]
    assert REGISTRY.get_sample_value("websocket_handshakes_total", {"result": "origin"}) == before + 1
    assert lines == [
        {
            "event": "handshake refused",
            "log_level": "warning",
            "reason": "origin",
            "path": "/ws/chat/lobby/",
            "request_id": REQUEST_ID,
            "origin": None if origin is None else origin.decode("latin1"),
            "allowed_hosts": ["chat.example.com", ".example.org"],
        }
    ]
