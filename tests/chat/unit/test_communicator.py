"""Channels' own test tools on our consumers (https://channels.readthedocs.io/en/stable/topics/testing.html)."""

import asyncio
import json
from typing import Any

import pytest
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.testing import WebsocketCommunicator

from channels_live.consumers.direct import DirectConsumer
from channels_live.frames import frame, messages, text_frame

pytestmark = pytest.mark.django_db(transaction=True)
HEADERS = [(b"host", b"localhost"), (b"origin", b"http://localhost")]


def communicator(path: str, *subprotocols: str) -> WebsocketCommunicator:
    from ws.asgi import application  # where Django is set up

    return WebsocketCommunicator(application, path, headers=HEADERS, subprotocols=list(subprotocols))


# Twice, because each test has an event loop of its own.
@pytest.mark.parametrize("time", [1, 2])
async def test_two_communicators_talk_in_a_room(time: int) -> None:
    alice, bob = communicator("/ws/chat/lobby/"), communicator("/ws/chat/lobby/", "chat.v1")
    assert await alice.connect() == (True, None)
    assert await bob.connect() == (True, "chat.v1")
    welcome = await bob.receive_json_from()
    assert (welcome["type"], welcome["room"]) == ("welcome", "lobby")
    await alice.send_json_to({"message": "hello"})
    assert await alice.receive_json_from() == {"message": "hello"}
    while (answer := await bob.receive_json_from())["type"] != "message":
        assert answer["type"] == "presence"
    assert answer["message"] == "hello"
    await bob.send_json_to({"type": "message", "id": "1", "message": "hi"})
    assert await alice.receive_json_from() == {"message": "hi"}
    await alice.disconnect()
    await bob.disconnect()


async def test_an_address_that_nobody_serves_is_accepted_and_closed() -> None:
    nowhere = communicator("/ws/nowhere/")
    assert await nowhere.connect() == (True, None)
    assert await nowhere.receive_output() == {"type": "websocket.close", "code": 4404}


class Echo(DirectConsumer):
    """Answers, and closes when it is told to."""

    async def connect(self) -> None:
        if self.scope["path"] == "/closed/":
            await self.close()
        else:
            await self.accept("echo")

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if text_data == "close":
            await self.send("bye", close=4000)
        else:
            await self.send(text_data, bytes_data)


async def test_a_consumer_alone() -> None:
    echo = WebsocketCommunicator(Echo.as_asgi(), "/", subprotocols=["echo"])
    assert await echo.connect() == (True, "echo")
    await echo.send_to(text_data="héllo" * 100)
    assert await echo.receive_from() == "héllo" * 100
    await echo.send_to(bytes_data=b"\x00\xff")
    assert await echo.receive_from() == b"\x00\xff"
    assert await echo.receive_nothing()
    await echo.send_to(text_data="close")
    assert await echo.receive_from() == "bye"
    assert (await echo.receive_output())["code"] == 4000
    await echo.disconnect()


async def test_a_consumer_that_rejects() -> None:
    echo = WebsocketCommunicator(Echo.as_asgi(), "/closed/")
    assert (await echo.connect())[0] is False


async def test_an_exception_reaches_the_test() -> None:
    class Failing(Echo):
        async def receive(self, *_: Any, **__: Any) -> None:
            raise ZeroDivisionError

    failing = WebsocketCommunicator(Failing.as_asgi(), "/")
    await failing.connect()
    await failing.send_to(text_data="x")
    with pytest.raises(ZeroDivisionError):
        await failing.receive_from()


async def test_a_consumer_whose_client_is_gone_ends() -> None:
    ended = asyncio.Event()

    class Ending(Echo):
        async def disconnect(self, code: int) -> None:
            ended.set()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            raise OSError("gone")

    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    for message in ({"type": "websocket.connect"}, {"type": "websocket.receive", "text": "x"}):
        incoming.put_nowait(message)
    incoming.put_nowait({"type": "websocket.disconnect", "code": 1006})
    await asyncio.wait_for(Ending.as_asgi()({"type": "websocket", "path": "/"}, incoming.get, send), 5)
    assert ended.is_set()


async def test_an_ordinary_consumer_works_as_before() -> None:
    class Ordinary(AsyncWebsocketConsumer):
        async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            await self.send(json.dumps({"got": text_data}))

    ordinary = WebsocketCommunicator(Ordinary.as_asgi(), "/")
    assert await ordinary.connect() == (True, None)
    await ordinary.send_to(text_data="x")
    assert await ordinary.receive_json_from() == {"got": "x"}
    await ordinary.disconnect()


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536])
def test_frames_can_be_read_again(length: int) -> None:
    data = text_frame("x" * length) + frame(b"\x00" * length, is_binary=True)
    assert list(messages(data)) == [{"text": "x" * length}, {"bytes": b"\x00" * length}]
