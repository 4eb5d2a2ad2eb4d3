"""Hostile requests and frames: each line of each log is well-formed, and has no control character and no secret."""

import base64
import json
import os
import re
import socket
import time
import unicodedata
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from deploy.local import Process, ports
from deploy.local.binaries import find_nginx
from deploy.local.nginx import render
from deploy.local.process import answers_http
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS

SECRET = b"planted-secret"
FORGED = b"2020-02-02T00:00:00.000000Z [info     ] forged"
HOSTILE = [
    b"\x1b[31m\x1b]0;owned\x07",
    b"\xff\xfe",
    b"\xc2\x9b2J",
    "\u202edeppilf\u2066".encode(),
    "\u2028\u0085\ufeff".encode(),
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98",
    b"a\x00b\x7f",
    b"\r\n" + FORGED,
    b"\n" + FORGED,
    b'"},{"\\',
    b"%s%(x)s{0}",
    *(
        quote(text).encode()
        for text in (b"\x1b[31m", b"\xff", b"\xc2\x9b2J", b"\n" + FORGED, "\u202e\u2028", "\x7f部屋😀")
    ),
]
HEADERS = [
    *("Host", "User-Agent", "Upgrade", "Origin", "Referer", "Cookie", "Authorization", "Accept-Language", "Accept"),
    *("X-Request-ID", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Traceparent", "Connection"),
    *("Sec-WebSocket-Protocol", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions"),
    *("Content-Type", "Content-Length", "Transfer-Encoding", "Expect", "If-Modified-Since", "Range"),
]
OPEN = {
    "Connection": b"Upgrade",
    "Upgrade": b"websocket",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)),
    "Sec-WebSocket-Version": b"13",
}


def request(
    host: bytes, path: bytes, headers: dict[str, bytes], start: tuple[bytes, bytes] = (b"GET", b"HTTP/1.1")
) -> bytes:
    method, version = start
    lines = {"Host": host, **headers}
    head = b"".join(b"%s: %s\r\n" % (name.encode(), value) for name, value in lines.items())
    return b"%s %s?token=%s %s\r\n%s\r\n" % (method, path, SECRET, version, head)


def hostile_requests(host: bytes) -> Iterator[bytes]:
    for text in HOSTILE:
        for path, headers in ((b"/feed/lobby/", {"Connection": b"close"}), (b"/ws/feed/lobby/", OPEN)):
            origin = {"Origin": b"http://" + host}
            yield request(host, path + text, headers)
            yield request(host, path + text + b"/", headers | origin)
            yield request(host, path, headers | {f"X-{text.decode('latin-1')}": b"1"})
            yield request(host, path, headers, (b"GET" + text, b"HTTP/1.1"))
            yield request(host, path, headers, (b"GET", b"HTTP/" + text))
            yield request(host, path + b"?" + text, headers)
            for name in HEADERS:
                yield request(host, path, origin | headers | {name: headers.get(name, b"") + text})
        yield text + b"\r\n\r\n"


def send(address: tuple[str, int], data: bytes) -> None:
    with socket.create_connection(address, 20) as line, suppress(ConnectionError):
        line.sendall(data)
        line.recv(65536)


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a client frame (RFC 6455, section 5.2) with the mask 0."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + size + bytes(4) + payload


def hostile_frames() -> Iterator[bytes]:
    for text in HOSTILE:
        as_json = json.dumps(
            {"type": "entry", "id": "1", "text": text.decode("latin-1"), text.decode("latin-1"): 1}
        ).encode()
        for payload in (text, as_json, b'{"type": "entry", "id": "1", "text": "' + text + b'"}'):
            yield from (frame(opcode, payload) for opcode in (1, 2, 3, 9))
        yield frame(8, (1000).to_bytes(2, "big") + text[:100])
        yield frame(8, (4999).to_bytes(2, "big") + text[:100])
        yield frame(8, text[:100])


def talk(address: tuple[str, int], host: bytes, data: bytes, feed: bytes) -> None:
    with socket.create_connection(address, 20) as line, suppress(ConnectionError):
        headers = {**OPEN, "Origin": b"http://" + host}
        line.sendall(request(host, b"/ws/feed/%s/" % feed, headers))
        answer = line.recv(65536)
        if answer.startswith(b"HTTP/1.1 101"):
            line.sendall(data + frame(8, b""))
            while line.recv(65536):
                pass


def address_of(url: str) -> tuple[str, int]:
    address = urlsplit(url)
    return address.hostname or "", address.port or 0


@pytest.fixture(scope="module", params=["json", "console"])
def logs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The log format and the folder of the logs, after all requests and frames were sent to nginx, web and ws."""
    directory = tmp_path_factory.mktemp("hostile")
    environment = {**NO_LIMITS, "LOG_FORMAT": request.param, "LOG_LEVEL": "DEBUG", "WEB_WORKERS": "1"}
    with FeedStack(directory, ws_processes=1, environment=environment) as stack:
        host = stack.url.removeprefix("http://").encode()
        for process in (stack.process("nginx"), stack.process("web"), stack.process("ws-1")):
            for data in hostile_requests(host):
                send(address_of(process.url), data)
        for data in hostile_frames():
            talk(address_of(stack.url), host, data, b"lobby")
        for text in HOSTILE:
            talk(address_of(stack.url), host, frame(1, text), quote(text).encode())
        for process in stack.processes:
            assert process.is_running, process.name
    return request.param, directory / "log"


@pytest.mark.parametrize("name", ["nginx", "web", "ws-1", "redis"])
def test_every_line_is_well_formed_and_without_control_characters(logs: tuple[str, Path], name: str) -> None:
    log_format, folder = logs
    lines = (folder / f"{name}.log").read_bytes().split(b"\n")
    assert lines.pop() == b""
    for line in lines:
        text = line.decode()
        acting = [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
        assert not acting, line
        assert SECRET not in line
        assert not line.startswith(FORGED)
        if name in {"web", "ws-1"} and log_format == "console":
            assert re.match(r"\d{4}-\d\d-\d\dT\S+Z \[|    ", text), line
        elif name in {"nginx", "web", "ws-1"}:
            assert isinstance(json.loads(text), dict), line


def test_printable_paths_are_logged_decoded(tmp_path: Path) -> None:
    with FeedStack(tmp_path, ws_processes=1, environment={"LOG_FORMAT": "json"}) as stack:
        host = stack.url.removeprefix("http://").encode()
        paths = [quote("/feed/部屋 ひとつ-é-😀/").encode(), b"/feed/%ff/", b"/feed/%1B%5B/", b"/feed/\xff/"]
        for path in paths:
            send(
                address_of(stack.url),
                request(host, path, {"Connection": b"close", "User-Agent": "窓\u202e".encode()}),
            )
    lines = [json.loads(line) for line in (tmp_path / "log/nginx.log").read_text().splitlines()]
    found = [line["path"] for line in lines]
    assert found == ["/feed/部屋 ひとつ-é-😀/", "/feed/%ff/", "/feed/%1B%5B/", "(not printable)"]
    assert {line["user_agent"] for line in lines} == {"(not printable)"}


def test_nginx_logs_exhausted_connections_without_the_requests(tmp_path: Path) -> None:
    port, health = ports.pick(), ports.pick()
    listen = {"NGINX_LISTEN": f"127.0.0.1:{port}", "NGINX_HEALTH_LISTEN": f"127.0.0.1:{health}"}
    configuration = tmp_path / "nginx.conf"
    # An upstream that never accepts: each waiting request takes two of nginx's connections.
    with socket.create_server(("127.0.0.1", 0), backlog=64) as web:
        servers = dict.fromkeys(("WEB_SERVERS", "WS_SERVERS"), f"127.0.0.1:{web.getsockname()[1]}")
        render(configuration, {**listen, **servers, **NO_LIMITS, "NGINX_WORKER_CONNECTIONS": "16"})
        command = [str(find_nginx()), "-p", str(tmp_path), "-c", str(configuration), "-e", "stderr"]
        command += ["-g", "daemon off;" + (" user root;" if os.geteuid() == 0 else "")]
        nginx = Process(
            "nginx", "nginx", f"http://127.0.0.1:{health}", command, tmp_path / "log", answers_http("/healthz")
        )
        nginx.start()
        try:
            nginx.wait_ready()
            whole, begun = request(b"127.0.0.1", b"/feed/", {}), request(b"127.0.0.1", b"/feed/", {})[:-2]
            deadline = time.monotonic() + 20
            with ExitStack() as lines:
                for data, sign in ((whole, b'"status":500'), (begun, b"worker_connections are not enough")):
                    while sign not in nginx.log.read_bytes():
                        assert time.monotonic() < deadline, sign
                        line = lines.enter_context(socket.create_connection(("127.0.0.1", port), 20))
                        with suppress(ConnectionError):
                            line.sendall(data)
                        # nginx would close a connection on which it has read nothing, to accept another one.
                        time.sleep(0.02)
        finally:
            nginx.stop()
    assert SECRET not in nginx.log.read_bytes()
