"""The clients of channels_live.testing at a server that answers as the test says."""

import json
import threading
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie

import pytest
from websockets.sync.server import ServerConnection, serve

from channels_live.testing import (
    AsyncResumingClient,
    AsyncWebSocketClient,
    Delivery,
    FrameNotReceived,
    ResumingClient,
    WebSocketClient,
    assert_each_entry_once,
)
from channels_live.testing.handshake import Handshake

Serve = Callable[..., str]


@pytest.fixture
def serving() -> Iterator[Serve]:
    """Serve each connection with a function, and return the address."""
    servers = []

    def start(handler: Callable[[ServerConnection], None], *subprotocols: str) -> str:
        server = serve(handler, "127.0.0.1", 0, subprotocols=subprotocols or None)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"

    yield start
    for server in servers:
        server.shutdown()


def echo(connection: ServerConnection) -> None:
    for data in connection:
        connection.send(data)


def headers(connection: ServerConnection) -> None:
    assert connection.request
    connection.send(json.dumps(dict(connection.request.headers.raw_items())))


def test_handshake_has_what_the_test_gives(serving: Serve) -> None:
    cookies = SimpleCookie({"sessionid": "abc"})
    handshake = Handshake(
        serving(headers, "echo"),
        "https://own.example",
        ["echo"],
        None,
        "secret",
        cookies,
        {"X-Forwarded-Proto": "https"},
    )
    with WebSocketClient(handshake) as client:
        assert client.subprotocol == "echo"
        sent = client.receive_json()
    assert sent["Origin"] == "https://own.example"
    assert sent["Authorization"] == "Bearer secret"
    assert sent["Cookie"] == "sessionid=abc"
    assert sent["X-Forwarded-Proto"] == "https"


def test_messages_are_text_bytes_and_json(serving: Serve) -> None:
    with WebSocketClient(Handshake(serving(echo))) as client:
        client.send("text")
        assert client.receive() == "text"
        client.send(b"\x00")
        assert client.receive() == b"\x00"
        client.send_json({"type": "a"})
        client.send_json({"type": "b", "id": None})
        assert client.receive_json({"type": "b", "id": None}) == {"type": "b", "id": None}
        client.send_json({"type": "b"})
        client.send("no JSON")
        with pytest.raises(FrameNotReceived, match="a message that is no JSON: 'no JSON'"):
            client.receive_json({"type": "b", "id": None})
        assert client.received[:3] == ["text", b"\x00", {"type": "a"}]
        with pytest.raises(FrameNotReceived, match=r"none came within 0\.05 s\. Received instead: nothing"):
            client.receive(seconds=0.05)
        with pytest.raises(FrameNotReceived, match=r"the connection is open after 0\.05 s"):
            client.wait_closed(seconds=0.05)


async def test_end_of_a_connection_is_a_code_and_a_reason(serving: Serve) -> None:
    def close(connection: ServerConnection) -> None:
        connection.send("{}")
        connection.close(4000, "enough")

    def abort(connection: ServerConnection) -> None:
        connection.socket.close()

    url = serving(close)
    with WebSocketClient(Handshake(url)) as client:
        with pytest.raises(FrameNotReceived, match=r"closed with 4000 \(enough\)\. Received instead:\n  1\. \{\}"):
            client.receive_json({"type": "ack"})
        assert client.wait_closed() == (4000, "enough")
    async with AsyncWebSocketClient(Handshake(url)) as client:
        with pytest.raises(FrameNotReceived, match=r"closed with 4000 \(enough\)\. Received instead:\n  1\. \{\}"):
            await client.receive_json({"type": "ack"})
        assert await client.wait_closed() == (4000, "enough")
    with WebSocketClient(Handshake(serving(abort))) as client:
        assert client.wait_closed().code == 1006


def test_resuming_client_shows_what_a_broken_server_does(serving: Serve) -> None:
    """It acknowledges an entry twice with two numbers, never another, and delivers one that was never written."""

    def broken(connection: ServerConnection) -> None:
        connection.send('{"type": "welcome", "epoch": "1"}')
        first = json.loads(connection.recv())
        json.loads(connection.recv())
        for seq in (1, 2):
            connection.send(json.dumps({"type": "ack", "id": first["id"], "seq": seq}))
        connection.send(json.dumps({"type": "entry", "id": "unknown", "seq": 1, "text": "?"}))
        echo(connection)

    with ResumingClient(AsyncResumingClient(serving(broken, "journal.v1"), "alice")) as alice:
        alice.send(text="one")
        alice.send(text="two")
        alice.wait_for_delivery("unknown")
        with pytest.raises(TimeoutError, match=r"alice is online; received: 1, .*unacknowledged: \['alice-1'\]"):
            alice.wait_for_acknowledgements(seconds=0.05)
        with pytest.raises(AssertionError) as error:
            assert_each_entry_once(alice)
    assert str(error.value) == (
        "lost: 1, altered: 1, alice was acknowledged another number for: ['alice-0'], "
        "alice was not acknowledged: ['alice-1']\nalice received [1]"
    )
    assert isinstance(alice.deliveries[0], Delivery)
