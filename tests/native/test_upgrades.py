"""Which Upgrade headers nginx forwards, seen by upstream servers that record their requests."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.local import Process, nginx, ports
from deploy.local.process import answers_http


class Service(socketserver.ThreadingTCPServer):
    """Responds with 101 to a WebSocket upgrade, and with 200 on a persistent connection to anything else."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((ports.HOST, 0), Answering)
        self.address = f"{ports.HOST}:{self.server_address[1]}"
        self.heads: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answering(socketserver.StreamRequestHandler):
    server: Service

    def handle(self) -> None:
        while head := b"".join(iter(self.rfile.readline, b"\r\n")) if self.rfile.peek(1) else b"":
            self.server.heads.append(head.decode().lower())
            if b"upgrade: websocket" in head.lower():
                self.wfile.write(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
                return
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


class Front(NamedTuple):
    url: str
    web: Service
    ws: Service


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder: Path = tmp_path_factory.mktemp("upgrades")
    address = f"{ports.HOST}:{ports.pick()}"
    with Service() as web, Service() as ws:
        target = folder / "nginx.conf"
        servers = {"WEB_SERVERS": web.address, "WS_SERVERS": ws.address}
        nginx.render(target, {"NGINX_LISTEN": address, "REQUEST_RATE": "0", "HANDSHAKE_RATE": "0", **servers})
        command = nginx.command(target)
        process = Process(
            "nginx", "nginx", f"http://{address}", command, folder / "nginx.log", answers_http("/healthz")
        )
        process.start()
        try:
            process.wait_ready()
            yield Front(process.url, web, ws)
        finally:
            process.stop()
            web.shutdown()
            ws.shutdown()


def status(front: Front, path: str, *upgrades: str, version: str = "1.1") -> tuple[int, str | None]:
    """Send a request with these Upgrade headers, and return the status and the Upgrade header of the response."""
    address = front.url.removeprefix("http://")
    host, _, port = address.rpartition(":")
    rows = [f"GET {path} HTTP/{version}", f"Host: {address}", "Connection: Upgrade"]
    rows += [f"Upgrade: {upgrade}" for upgrade in upgrades]
    with socket.create_connection((host, int(port)), timeout=15) as line:
        line.sendall("\r\n".join([*rows, "", ""]).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = line.recv(4096)
            assert chunk, head
            head += chunk
    headers = dict(row.lower().split(": ", 1) for row in head.decode().split("\r\n")[1:] if ": " in row)
    return int(head.split()[1]), headers.get("upgrade")


def offered(head: str) -> list[str]:
    return [row for row in head.split("\r\n") if row.startswith("upgrade:") or row == "connection: upgrade"]


@pytest.mark.parametrize(
    "upgrades",
    [
        ("websocket",),
        ("WebSocket",),
        ("websocket, foo",),
        ("h2c , websocket",),
        ("h2c,\twebsocket,foo",),
        ("h2c", "websocket"),
    ],
    ids=" and ".join,
)
def test_ws_is_offered_websocket_only(front, upgrades):
    assert status(front, "/ws/feed/lobby/", *upgrades) == (101, "websocket")
    assert offered(front.ws.heads[-1]) == ["upgrade: websocket", "connection: upgrade"]


@pytest.mark.parametrize(
    "upgrade",
    ["h2c", "TLS/1.0, IRC/6.9", "websockets", "x-websocket", "web socket", "websocket/2", "websocket h2c", ""],
)
def test_other_upgrades_are_answered_426_by_nginx(front, upgrade):
    before = len(front.ws.heads), len(front.web.heads)
    assert status(front, "/ws/feed/lobby/", upgrade) == (426, "websocket")
    assert (len(front.ws.heads), len(front.web.heads)) == before


def test_upgrade_over_http_1_0_is_ignored(front):
    """RFC 9110, section 7.8."""
    assert status(front, "/ws/feed/lobby/", "websocket", version="1.0") == (426, "websocket")


@pytest.mark.parametrize("path", ["/page/", "/static/a.css", "/api/feeds", "/ws/../page/", "/WS/feed/lobby/"])
@pytest.mark.parametrize("upgrade", ["websocket", "h2c"])
def test_web_never_receives_an_upgrade(front, path, upgrade):
    assert status(front, path, upgrade) == (200, None)
    assert not offered(front.web.heads[-1])
    assert "upgrade" not in front.web.heads[-1]
