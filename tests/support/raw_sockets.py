"""WebSockets as bytes on a TCP connection."""

import json
import socket
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


TIMEOUT = 15


def handshake(url: str, room: str, *more: str) -> bytes:
    lines = [
        f"GET /ws/chat/{room}/ HTTP/1.1",
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


def say(text: str) -> bytes:
    return masked(json.dumps({"message": text}).encode())


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


async def fill(url: str, room: str, count: int) -> None:
    """Store messages of 15 kB in the room."""
    target = f"{url.replace('http', 'ws')}/ws/chat/{room}/"
    async with connect(target, origin=url, max_size=None) as writer:  # type: ignore[arg-type]
        for _ in range(count):
            await writer.send(json.dumps({"message": "x" * 15_000}))
        for _ in range(count):
            await writer.recv()


def line_with_little_room(url: str) -> socket.socket:
    """A connection with a minimal receive buffer."""
    address = urlsplit(url)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(TIMEOUT)
    line.connect((address.hostname, address.port))
    return line


def resume(url: str, room: str) -> bytes:
    """A handshake that requests the whole room."""
    return handshake(url, room, "Sec-WebSocket-Protocol: chat.v1").replace(b"/ HTTP", b"/?after=0 HTTP", 1)


def say_id(message_id: str) -> bytes:
    return masked(json.dumps({"type": "message", "id": message_id, "message": "hello"}).encode())
