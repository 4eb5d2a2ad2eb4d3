"""Six libraries that people write clients with, in one room, through nginx."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.local import Stack
from tests.upstream.client import LIBRARIES, LIBRARIES_WITH_PING, Client

Connect = Callable[..., Coroutine[Any, Any, dict[str, Client]]]
FRAME_LIMIT = 64 * 1024
SILENT_HANDSHAKE = (
    "GET /ws/chat/silent/ HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.fixture
def room() -> str:
    return f"room-{token_hex(4)}"


@pytest.fixture
async def start(stack: Stack, room: str) -> AsyncIterator[Connect]:
    """Start a client of each library in the room."""
    started: list[Client] = []

    async def start(subprotocol: str = "", origin: str = stack.url, query: str = "") -> dict[str, Client]:
        url = f"{stack.url.replace('http', 'ws', 1)}/ws/chat/{room}/{query}"
        clients = [await Client.start(library, url, origin, subprotocol) for library in LIBRARIES]
        started.extend(clients)
        return {client.library: client for client in clients}

    yield start
    for client in started:
        await client.stop()


@pytest.fixture
def connect(start: Connect) -> Connect:
    """Start a client of each library in the room, and wait until all are in."""

    async def connect(subprotocol: str = "", query: str = "") -> dict[str, Client]:
        clients = await start(subprotocol, query=query)
        for client in clients.values():
            # Most of them offer to compress; the server never does.
            assert await client.next("open") == {"event": "open", "subprotocol": subprotocol, "extensions": ""}
        return clients

    return connect


async def chat(clients: dict[str, Client], say: Callable[[str], dict[str, Any]], *kind: str) -> None:
    """Let each say something, and assert that everyone hears all of it in one order."""
    for library, client in clients.items():
        client.tell(send=json.dumps(say(f"こんにちは, {library} 🌍")))
    heard = [[(await client.frame(*kind))["message"] for _ in clients] for client in clients.values()]
    assert sorted(heard[0]) == sorted(f"こんにちは, {library} 🌍" for library in clients)
    assert all(texts == heard[0] for texts in heard)


async def close_codes(clients: dict[str, Client]) -> dict[str, int]:
    return {library: (await client.next("close"))["code"] for library, client in clients.items()}


async def test_all_chat_in_the_tutorials_protocol_and_close(connect: Connect) -> None:
    clients = await connect()
    await chat(clients, lambda text: {"message": text})
    for client in clients.values():
        client.tell(close=1000)
    assert await close_codes(clients) == dict.fromkeys(LIBRARIES, 1000)


async def test_all_chat_in_chat_v1_and_close(connect: Connect) -> None:
    clients = await connect("chat.v1")
    for client in clients.values():
        assert (await client.frame())["type"] == "welcome"
    await chat(clients, lambda text: {"type": "message", "id": token_hex(8), "message": text}, "message")
    for client in clients.values():
        client.tell(close=1000)
    assert await close_codes(clients) == dict.fromkeys(LIBRARIES, 1000)


async def test_pings_are_answered_on_both_sides(connect: Connect, stack: Stack) -> None:
    clients = await connect()
    for library in LIBRARIES_WITH_PING:
        clients[library].tell(ping=f"from {library}")
    for library in LIBRARIES_WITH_PING:
        assert (await clients[library].next("pong"))["payload"] == f"from {library}"

    # A client that answers no ping is dropped. By then each of the others would have been, too.
    host = urlsplit(stack.url).netloc
    reader, writer = await asyncio.open_connection(*host.split(":"))
    writer.write(SILENT_HANDSHAKE.format(host=host).encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    await reader.read()
    writer.close()
    await chat(clients, lambda text: {"message": text})


async def test_a_frame_within_the_limit_is_answered_and_one_over_it_closed_with_1009(connect: Connect) -> None:
    clients = await connect()
    for client in clients.values():
        client.tell(send=json.dumps({"message": ""}).replace('""', f'"{"x" * (FRAME_LIMIT - 15)}"'))
        assert (await client.frame())["error"]["code"] == "too_long"
        client.tell(send="x" * (FRAME_LIMIT + 1))
    assert await close_codes(clients) == dict.fromkeys(LIBRARIES, 1009)


async def test_a_foreign_origin_is_refused_with_403(start: Connect) -> None:
    clients = await start(origin="https://evil.example")
    statuses = {library: (await client.next("refused"))["status"] for library, client in clients.items()}
    assert statuses == {**dict.fromkeys(LIBRARIES, 403), "undici": None}


async def test_a_restart_closes_with_1012_and_each_resumes(connect: Connect, stack: Stack) -> None:
    clients = await connect("chat.v1")
    clients["libcurl"].tell(send=json.dumps({"type": "message", "id": "1", "message": "before"}))
    assert (await clients["libcurl"].frame("ack"))["seq"] == 1
    for name in ("ws-1", "ws-2"):
        await asyncio.to_thread(stack.restart, name)
    assert await close_codes(clients) == dict.fromkeys(LIBRARIES, 1012)

    clients = await connect("chat.v1", query="?after=0")
    for client in clients.values():
        assert (await client.frame("message"))["message"] == "before"
