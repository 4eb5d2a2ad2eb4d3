"""Which headers of clients and proxies nginx forwards to web and ws."""

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local import Process, ports
from deploy.local.nginx import command, render
from deploy.local.process import answers_http

PROXY, UNTRUSTED = "127.0.0.2", "127.0.0.3"
# Headers that frameworks and servers trust: Gunicorn, Django, Rails, PHP, IIS, ingress controllers.
NEVER_TRUSTED = {
    "Forwarded": "for=203.0.113.9;proto=https;host=evil.example",
    "X-Forwarded": "203.0.113.9",
    "X-Forwarded-By": "203.0.113.9",
    "X-Forwarded-Client-Cert": "Subject=admin",
    "X-Forwarded-Email": "admin@example.com",
    "X-Forwarded-Groups": "staff",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Protocol": "ssl",
    "X-Forwarded-Scheme": "https",
    "X-Forwarded-Server": "evil.example",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-User": "admin",
    "Front-End-Https": "on",
    "X-Scheme": "https",
    "X-Url-Scheme": "https",
    "X-Script-Name": "/evil",
    "X-Real-IP": "203.0.113.9",
    "X-Client-IP": "203.0.113.9",
    "X-Cluster-Client-IP": "203.0.113.9",
    "True-Client-IP": "203.0.113.9",
    "CF-Connecting-IP": "203.0.113.9",
    "X-Host": "evil.example",
    "X-Original-Host": "evil.example",
    "X-Original-URL": "/admin/",
    "X-Rewrite-URL": "/admin/",
    "X-HTTP-Method-Override": "DELETE",
    "Proxy": "http://evil.example",
    "Daphne-Root-Path": "/evil",
    "Remote-User": "admin",
    "X-Remote-User": "admin",
    # Named as in CGI. nginx ignores headers with underscores.
    "REMOTE_USER": "admin",
    "SCRIPT_NAME": "/evil",
    "HTTP_X_FORWARDED_PROTO": "https",
    "X_Forwarded_Proto": "https",
}


class Echo(http.server.BaseHTTPRequestHandler):
    """Takes the place of web and ws: responds with the headers of the request."""

    def do_GET(self) -> None:
        body = json.dumps(self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def nginx_before_an_echo(folder: Path, **environment: str) -> Iterator[Process]:
    """nginx with an echo server as upstream."""
    with http.server.ThreadingHTTPServer((ports.HOST, 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"{ports.HOST}:{server.server_port}"
        port, health_port = ports.pick(), ports.pick()
        configuration = folder / "nginx.conf"
        render(
            configuration,
            {
                "NGINX_LISTEN": f"{ports.HOST}:{port}",
                "NGINX_HEALTH_LISTEN": f"{ports.HOST}:{health_port}",
                "WEB_SERVERS": address,
                "WS_SERVERS": address,
                "TRUSTED_PROXIES": PROXY,
                "ALLOWED_HOSTS": ".example.com,localhost,127.0.0.1,[::1]",
                **environment,
            },
        )
        health = answers_http("/healthz")
        process = Process(
            "nginx",
            "nginx",
            f"http://{ports.HOST}:{port}",
            command(configuration),
            folder / "nginx.log",
            lambda _: health(f"http://{ports.HOST}:{health_port}"),
        )
        process.start()
        try:
            process.wait_ready()
            yield process
        finally:
            process.stop()
            server.shutdown()


def exchange(
    process: Process, source: str, path: str, headers: list[tuple[str, str]], first: bytes = b"", host: str = ports.HOST
) -> tuple[int, bytes]:
    """Send ``first`` and a request with exactly these headers; return the status and the body of the response."""
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "Connection: close", "", ""]
    with socket.create_connection((host, int(process.url.rpartition(":")[2])), 20, source_address=(source, 0)) as line:
        line.sendall(first + "\r\n".join(lines).encode())
        received = b""
        while piece := line.recv(65536):
            received += piece
    return int(received.split(b" ", 2)[1]), received.partition(b"\r\n\r\n")[2]


def passed_on(
    process: Process, source: str, *headers: tuple[str, str], path: str = "/feed/", first: bytes = b""
) -> dict:
    """Return the headers that reach web or ws, with names in lower case; no header may occur twice."""
    given = headers if any(name == "Host" for name, _ in headers) else (("Host", "chat.example.com"), *headers)
    status, body = exchange(process, source, path, list(given), first)
    assert status == 200
    found = [(name.lower(), value) for name, value in json.loads(body)]
    assert len(dict(found)) == len(found)
    return dict(found)


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with nginx_before_an_echo(tmp_path_factory.mktemp("nginx")) as process:
        yield process


def websocket(path: str) -> list[tuple[str, str]]:
    return [("Upgrade", "websocket")] if path.startswith("/ws/") else []


@pytest.mark.parametrize("path", ["/feed/", "/api/feeds/lobby/posts", "/static/x.js", "/ws/feed/lobby/"])
@pytest.mark.parametrize("source", [PROXY, UNTRUSTED])
def test_untrusted_headers_reach_neither_web_nor_ws(nginx: Process, source: str, path: str) -> None:
    found = passed_on(nginx, source, *NEVER_TRUSTED.items(), *websocket(path), path=path)
    assert found.keys() <= {
        *("host", "x-forwarded-for", "x-forwarded-proto", "x-request-id", "connection", "upgrade"),
    }
    assert (found["host"], found["x-forwarded-for"]) == ("chat.example.com", source)
    assert found["x-forwarded-proto"] == "http"


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        # Azure's gateways append the port.
        (["203.0.113.7:5555"], "203.0.113.7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["[2001:db8::7]:5555"], "2001:db8::7"),
        # The last address that is not a trusted proxy. Those before it can be forged.
        (["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        (["198.51.100.1", f"203.0.113.7, {PROXY}"], "203.0.113.7"),
        (["unknown"], PROXY),
        (["_hidden, 203.0.113.7"], "203.0.113.7"),
        ([""], PROXY),
        ([], PROXY),
    ],
)
def test_address_is_taken_from_a_trusted_proxy(nginx: Process, said: list[str], address: str) -> None:
    headers = [("X-Forwarded-For", value) for value in said]
    assert passed_on(nginx, PROXY, *headers)["x-forwarded-for"] == address
    assert passed_on(nginx, UNTRUSTED, *headers)["x-forwarded-for"] == UNTRUSTED


@pytest.mark.parametrize(
    ("said", "scheme"),
    [
        (["https"], "https"),
        (["http"], "http"),
        (["HTTPS"], "https"),
        # Sent by Traefik for an upgrade.
        (["wss"], "https"),
        (["ws"], "http"),
        # Each proxy of a chain appends its own. The first is the browser's.
        (["https,http"], "https"),
        (["https, https"], "https"),
        (["https , http"], "https"),
        (["wss, http"], "https"),
        (["http, https"], "http"),
        (["https", "http"], "https"),
        # For invalid values, the scheme of the connection to nginx is used.
        (["on"], "http"),
        (["httpsx"], "http"),
        (["https;http"], "http"),
        ([""], "http"),
        ([], "http"),
    ],
)
def test_scheme_is_taken_from_a_trusted_proxy(nginx: Process, said: list[str], scheme: str) -> None:
    headers = [("X-Forwarded-Proto", value) for value in said]
    for path in ("/feed/", "/ws/feed/lobby/"):
        found = passed_on(nginx, PROXY, *headers, *websocket(path), path=path)
        assert found["x-forwarded-proto"] == scheme
        assert passed_on(nginx, UNTRUSTED, *headers, *websocket(path), path=path)["x-forwarded-proto"] == "http"


@pytest.mark.parametrize(
    ("host", "forwarded", "expected"),
    [
        # A proxy that removes the port (nginx: proxy_set_header Host $host).
        ("chat.example.com", "chat.example.com:8443", "chat.example.com:8443"),
        ("chat.example.com", "CHAT.example.com:8443", "CHAT.example.com:8443"),
        ("chat.example.com", "chat.example.com:8443, inner:80", "chat.example.com:8443"),
        ("[::1]", "[::1]:8443", "[::1]:8443"),
        # Another host name or an invalid port is ignored.
        ("chat.example.com", "evil.example:8443", "chat.example.com"),
        ("chat.example.com", "evil.chat.example.com:8443", "chat.example.com"),
        ("chat.example.com", "chat.example.com.evil.example:8443", "chat.example.com"),
        ("chat.example.com", "chat.example.com:8443@evil.example", "chat.example.com"),
        ("chat.example.com", "chat.example.com:x", "chat.example.com"),
        ("chat.example.com", "chat.example.com", "chat.example.com"),
        ("chat.example.com:8080", "chat.example.com:8443", "chat.example.com:8080"),
    ],
)
def test_port_is_taken_from_a_trusted_proxy_if_host_has_none(
    nginx: Process, host: str, forwarded: str, expected: str
) -> None:
    headers = (("Host", host), ("X-Forwarded-Host", forwarded))
    assert passed_on(nginx, PROXY, *headers)["host"] == expected
    assert passed_on(nginx, UNTRUSTED, *headers)["host"] == host


V1 = b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 443\r\n"
V2 = (
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"
    + socket.inet_aton("203.0.113.7")
    + socket.inet_aton("192.0.2.1")
    + (56324).to_bytes(2)
    + (443).to_bytes(2)
)


@pytest.fixture(scope="module")
def behind_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with nginx_before_an_echo(tmp_path_factory.mktemp("nginx"), PROXY_PROTOCOL="true") as process:
        yield process


@pytest.mark.parametrize("first", [V1, V2], ids=["v1", "v2"])
def test_address_is_taken_from_the_proxy_protocol(behind_tcp: Process, first: bytes) -> None:
    # A TCP load balancer forwards the client's headers unchanged, so they are not trusted.
    lies = [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-Proto", "https"), ("X-Request-ID", "0123456789abcdef")]
    for path in ("/feed/", "/ws/feed/lobby/"):
        found = passed_on(behind_tcp, PROXY, *lies, *websocket(path), path=path, first=first)
        assert (found["x-forwarded-for"], found["x-forwarded-proto"]) == ("203.0.113.7", "http")
        assert found["x-request-id"] != "0123456789abcdef"
        # The PROXY header of an untrusted address is read, but not used.
        found = passed_on(behind_tcp, UNTRUSTED, *lies, *websocket(path), path=path, first=first)
        assert found["x-forwarded-for"] == UNTRUSTED


def refused_lines(process: Process) -> list[dict]:
    """Return nginx's log lines with the status 400."""
    lines = [json.loads(line) for line in process.log.read_text().splitlines()]
    return [line for line in lines if line["status"] == 400]


@pytest.mark.parametrize(
    ("first", "reason"), [(V1, "proxy_protocol"), (V2, "proxy_protocol"), (b"\x16\x03\x01\x02\x00\x01\x00\r\n", "tls")]
)
def test_unexpected_protocol_is_400_and_logged_as_limit(nginx: Process, first: bytes, reason: str) -> None:
    before = refused_lines(nginx)
    status, body = exchange(nginx, PROXY, "/feed/", [("Host", "chat.example.com")], first)
    assert status == 400
    assert "リクエストを処理できません" in body.decode()
    assert "Bad request" in body.decode()
    deadline = time.monotonic() + 10
    while not (lines := refused_lines(nginx)[len(before) :]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert [line["limit"] for line in lines] == [reason]
