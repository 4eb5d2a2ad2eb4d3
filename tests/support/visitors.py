"""Visitors with an address of their own, and what nginx logs of those that it refuses."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from deploy.local import Stack, ports

# At a rate of 1 a second ten more may come at once.
ALLOWED_AT_ONCE = 11


async def open_socket(stack: Stack, source: str = "127.0.0.1", **headers: str) -> tuple[bytes, asyncio.StreamWriter]:
    """Return the answer to a handshake from a source address, up to its headers' end, and the open connection."""
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
    """Return nginx' lines that name the limit, waiting for the first."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        lines = [json.loads(line) for line in stack.process("nginx").log.read_text().splitlines() if line[:1] == "{"]
        if found := [line for line in lines if line["limit"] == limit]:
            return found
        time.sleep(0.02)
    pytest.fail(f"no line with the limit {limit}")
