"""Where an app's code blocks asyncio's default threads, hosts are looked up all the same."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from channels_live.server import resolver

SECONDS = 10


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


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
