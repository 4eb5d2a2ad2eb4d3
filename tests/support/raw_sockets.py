"""WebSockets to feeds as bytes on a TCP connection, and the counters of the ws process."""

import json
import socket
import uuid
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect

from tests.support.client import FEED

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TIMEOUT = 15


def handshake(url: str, stream: str, *more: str, query: str = "", path: str = FEED.path) -> bytes:
    """Return the request of a handshake; ``more`` are further header lines."""
    lines = [
        f"GET {path}{stream}/{query} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        f"Origin: {url}",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def masked(payload: bytes, opcode: int = 1) -> bytes:
    """Return a frame of a client; its mask is 0."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def post(text: str, entry_id: str = "") -> bytes:
    """Return the frame that posts a text, under an id of its own where none is given."""
    frame = {"type": FEED.entry, "id": entry_id or uuid.uuid4().hex, FEED.text: text}
    return masked(json.dumps(frame).encode())


def read_until(line: socket.socket, expected: bytes) -> bytes:
    data = b""
    while expected not in data:
        chunk = line.recv(65536)
        assert chunk, data
        data += chunk
    return data


def metric(url: str, name: str) -> float:
    for row in httpx.get(f"{url}/metrics").text.splitlines():
        if row.startswith(name + " "):
            return float(row.split()[-1])
    raise AssertionError(name)


async def fill(url: str, feed: str, count: int) -> None:
    """Store posts of 15,000 characters in the feed."""
    target = f"{url.replace('http', 'ws', 1)}{FEED.path}{feed}/"
    async with connect(target, origin=url, max_size=None) as writer:  # type: ignore[arg-type]
        for number in range(count):
            await writer.send(json.dumps({"type": FEED.entry, "id": f"{number}", FEED.text: "x" * 15_000}))
        acknowledged = 0
        while acknowledged < count:
            acknowledged += json.loads(await writer.recv())["type"] == "ack"


def connect_with_small_buffer(url: str) -> socket.socket:
    """Open a connection whose kernel buffers next to nothing that is not read."""
    address = urlsplit(url)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(TIMEOUT)
    line.connect((address.hostname, address.port))
    return line


def resume(url: str, feed: str) -> bytes:
    """Return a handshake that asks for the whole feed."""
    return handshake(url, feed, query="?after=0")
