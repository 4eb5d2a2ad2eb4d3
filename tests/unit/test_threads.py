"""What an app's code blocks, asgiref's one thread or asyncio's default threads, holds up nothing else."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import channels.consumer
import channels.generic.websocket
import pytest
from asgiref.sync import SyncToAsync, sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from ws import resolver, stock_consumers

SECONDS = 10


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    # So that what is installed is taken out again.
    for module in (channels.consumer, channels.generic.websocket):
        monkeypatch.setattr(module, "aclose_old_connections", module.aclose_old_connections)
    stock_consumers.install()


async def test_a_consumer_of_channels_answers_while_another_blocks_the_shared_thread(installed, ended):
    SyncToAsync.single_thread_executor.submit(ended.wait)

    class Echo(AsyncWebsocketConsumer):
        channel_layer_alias = None

        async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            await self.send(text_data)

    sent: list[dict[str, Any]] = []
    answered = asyncio.Event()
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "websocket.send":
            answered.set()

    consumer = asyncio.create_task(Echo.as_asgi()({"type": "websocket"}, incoming.get, send))
    incoming.put_nowait({"type": "websocket.connect"})
    incoming.put_nowait({"type": "websocket.receive", "text": "hello"})
    await asyncio.wait_for(answered.wait(), SECONDS)
    incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await asyncio.wait_for(consumer, SECONDS)
    assert [message.get("text") for message in sent] == [None, "hello"]


async def test_old_connections_are_closed_before_what_a_consumer_runs_in_the_thread(monkeypatch, ended):
    order: list[str] = []
    monkeypatch.setattr(stock_consumers, "close_old_connections", lambda: order.append("closed"))
    monkeypatch.setattr(stock_consumers, "_pending", None)
    SyncToAsync.single_thread_executor.submit(ended.wait)
    for _ in range(1000):
        await stock_consumers.close_old_connections_soon()
    query = asyncio.create_task(sync_to_async(order.append)("query"))
    await asyncio.sleep(0)
    ended.set()
    await asyncio.wait_for(query, SECONDS)
    assert order == ["closed", "query"]


async def test_hosts_are_looked_up_while_all_default_threads_are_blocked(ended):
    loop = asyncio.get_running_loop()
    taken = [loop.run_in_executor(None, ended.wait) for _ in range(50)]
    resolver.install(loop)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.wait_for(asyncio.open_connection("localhost", port), SECONDS)
        writer.close()
    ended.set()
    await asyncio.gather(*taken)
