"""Persistent connections to ws: a handshake is accepted after any HTTP requests, and refused ones close."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from deploy.local import Stack
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.processes import memory_kib
from tests.support.raw_sockets import TIMEOUT, handshake, metric, post, read_until

ENVIRONMENT = {**NO_LIMITS, "HANDSHAKE_TIMEOUT": "1"}
HTTP = {
    "answered": (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
    "h2c": (b"GET /ws/feed/a/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", b"404"),
    "a folded websocket": (b"GET /livez HTTP/1.1\r\nHost: x\r\nUpgrade:\r\n websocket\r\n\r\n", b"200"),
    "an invalid header": (b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Invalid: a\x0bb\r\n\r\n", b"400"),
    "with a body": (b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello\r\n", b"404"),
    "in chunks": (b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", b"404"),
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with FeedStack(tmp_path_factory.mktemp("reused"), ws_processes=1, environment=ENVIRONMENT) as stack:
        yield stack


@pytest.fixture
def url(stack: Stack) -> str:
    return stack.process("ws-1").url


@pytest.fixture
def feed() -> str:
    return f"reused-{os.urandom(4).hex()}"


def connected(url: str) -> socket.socket:
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=TIMEOUT)


@pytest.fixture
def line(url: str) -> Iterator[socket.socket]:
    with connected(url) as line:
        yield line


def answer(line: socket.socket) -> bytes:
    """Read the next response, which is chunked, and return its status."""
    data = read_until(line, b"\r\n\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower(), head
    if not body.endswith(b"0\r\n\r\n"):
        read_until(line, b"0\r\n\r\n")
    return head.split()[1]


def rest_of(line: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := line.recv(65536):
            data += chunk
    return data


@pytest.mark.parametrize("before", HTTP)
def test_handshake_after_http_is_accepted(url, line, feed, before):
    request, status = HTTP[before]
    for _ in range(2):
        line.sendall(request)
        assert answer(line) == status
    # Larger than the header limit of Twisted's HTTP.
    line.sendall(handshake(url, feed, f"X-Large: {'x' * 20_000}") + post("after all that"))
    assert read_until(line, b"after all that").startswith(b"HTTP/1.1 101 ")


def test_pipelined_requests_and_handshake_are_answered_in_order(url, line, feed):
    # Enough requests that are refused synchronously to exceed the recursion limit, if handling them were recursive.
    invalid, valid = (
        HTTP["an invalid header"][0] * 300,
        b"".join(HTTP[name][0] for name in ("answered", "h2c", "with a body")),
    )
    line.sendall(invalid + valid + handshake(url, feed) + post("the last"))
    data = read_until(line, b"the last")
    statuses = [part.split()[0] for part in data.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"400"] * 300 + [b"200", b"404", b"404", b"101"]


@pytest.mark.parametrize("upgrade", ["WebSocket", "websocket, foo", "h2c, websocket", "h2c,websocket ,\tfoo"])
def test_upgrade_may_be_a_list(url, line, feed, upgrade):
    line.sendall(handshake(url, feed).replace(b"Upgrade: websocket", f"Upgrade: {upgrade}".encode()) + post("one of"))
    assert read_until(line, b"one of").startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize("upgrade", ["websockets", "x-websocket", "web socket", "websocket/2"])
def test_other_upgrades_are_answered_over_http(url, line, feed, upgrade):
    line.sendall(handshake(url, feed).replace(b"Upgrade: websocket", f"Upgrade: {upgrade}".encode()))
    assert answer(line) == b"404"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Authorization: Bearer wrong", b"401"),
        ("Origin: https://evil.example", b"403"),
        ("Sec-WebSocket-Version: 99", b"400"),
        ("Bad Name: x", b"400"),
        ("Sec-WebSocket-Protocol: ch\u00e4t", b"400"),
        ("X-Forwarded-Port: \u00e9", b"400"),
    ],
)
def test_refused_handshake_closes_the_connection(url, line, feed, header, status):
    name = header.partition(":")[0].encode()
    rows = handshake(url, feed, header).split(b"\r\n")
    request = b"\r\n".join(row for row in rows if row == header.encode() or not row.startswith(name + b": "))
    line.sendall(request + HTTP["answered"][0])
    head, _, rest = rest_of(line).partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert b"\r\nContent-Length: 0\r\nConnection: close" in head
    assert not rest
    with connected(url) as another:
        another.sendall(handshake(url, feed) + post("welcome"))
        read_until(another, b"welcome")


def test_unread_responses_stop_further_requests(stack, url, line, feed):
    before = memory_kib([stack.process("ws-1").pid or 0])
    line.settimeout(2)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < 200_000:
            line.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
            sent += 500
    assert memory_kib([stack.process("ws-1").pid or 0]) - before < 8 * 1024
    assert httpx.get(f"{url}/livez").status_code == 200


def test_idle_keepalive_connection_outlasts_the_handshake_timeout(url, line):
    timeouts = 'websocket_handshakes_total{result="timeout"}'
    before = metric(url, timeouts)
    line.sendall(HTTP["answered"][0])
    assert answer(line) == b"200"
    with connected(url) as silent:
        assert rest_of(silent) == b""
    line.sendall(HTTP["answered"][0])
    assert answer(line) == b"200"
    # The handshake timeout starts with the first byte of the next request.
    line.sendall(b"GET /livez HT")
    assert rest_of(line) == b""
    assert metric(url, timeouts) == before + 2


def test_data_sent_before_the_101_is_delivered_after_it(stack, url, line, feed):
    process = stack.process("ws-1")
    # The process finds all of it when it continues.
    process.signal(signal.SIGSTOP)
    messages = b"".join(post(f"{number} {'x' * 3000}") for number in range(40))
    line.sendall(handshake(url, feed) + messages)
    process.signal(signal.SIGCONT)
    received = read_until(line, b'"text":"39 ')
    assert [int(part.split()[0]) for part in received.split(b'"text":"')[1:]] == [*range(40)]
