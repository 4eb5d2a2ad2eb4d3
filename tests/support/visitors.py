"""Clients with a source address of their own, and nginx's log lines about rejected requests."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from deploy.local import Stack, ports

# The burst at a rate of 1 per second.
ALLOWED_AT_ONCE = 11


async def open_socket(stack: Stack, source: str = "127.0.0.1", **headers: str) -> tuple[bytes, asyncio.StreamWriter]:
    """Send a handshake from a source address; return the response up to the end of its headers, and the connection."""
    reader, writer = await asyncio.open_connection(ports.HOST, stack.port, local_addr=(source, 0))
    lines = {
        "Host": stack.url.removeprefix("http://"),
        "Origin": stack.url,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **headers,
    }
    writer.write(
        b"GET /ws/feed/lobby/ HTTP/1.1\r\n"
        + "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode()
        + b"\r\n"
    )
    return await reader.readuntil(b"\r\n\r\n"), writer


def visitor(stack: Stack, source: str = "127.0.0.1") -> httpx.Client:
    return httpx.Client(base_url=stack.url, transport=httpx.HTTPTransport(local_address=source), timeout=20)


def limited_lines(stack: Stack, limit: str) -> list[dict[str, Any]]:
    """Wait for log lines of nginx with this limit, and return them."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        lines = [json.loads(line) for line in stack.process("nginx").log.read_text().splitlines() if line[:1] == "{"]
        if found := [line for line in lines if line["limit"] == limit]:
            return found
        time.sleep(0.02)
    pytest.fail(f"no line with the limit {limit}")
