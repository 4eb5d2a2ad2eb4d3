"""Channels' own test tools on our consumers (https://channels.readthedocs.io/en/stable/topics/testing.html)."""

import asyncio
import json
from typing import Any

import pytest
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.testing import WebsocketCommunicator

from channels_live.consumers.direct import DirectConsumer
from channels_live.frames import frame, messages, text_frame


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


async def test_communicator_talks_to_a_consumer_alone() -> None:
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


async def test_communicator_sees_a_rejected_handshake() -> None:
    echo = WebsocketCommunicator(Echo.as_asgi(), "/closed/")
    assert (await echo.connect())[0] is False


async def test_exception_of_a_consumer_reaches_the_test() -> None:
    class Failing(Echo):
        async def receive(self, *_: Any, **__: Any) -> None:
            raise ZeroDivisionError

    failing = WebsocketCommunicator(Failing.as_asgi(), "/")
    await failing.connect()
    await failing.send_to(text_data="x")
    with pytest.raises(ZeroDivisionError):
        await failing.receive_from()


async def test_consumer_ends_after_its_client_has_gone() -> None:
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


async def test_consumer_of_channels_is_unchanged() -> None:
    class Ordinary(AsyncWebsocketConsumer):
        async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            await self.send(json.dumps({"got": text_data}))

    ordinary = WebsocketCommunicator(Ordinary.as_asgi(), "/")
    assert await ordinary.connect() == (True, None)
    await ordinary.send_to(text_data="x")
    assert await ordinary.receive_json_from() == {"got": "x"}
    await ordinary.disconnect()


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536])
def test_messages_reads_what_frame_and_text_frame_wrote(length: int) -> None:
    data = text_frame("x" * length) + frame(b"\x00" * length, is_binary=True)
    assert list(messages(data)) == [{"text": "x" * length}, {"bytes": b"\x00" * length}]
