"""Consumers of Channels beside those of the hub, while Redis stalls, dies and comes back."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from deploy.local import Process, Stack
from tests.support.client import Client
from tests.support.feed_stack import FeedStack

RECOVERY_SECONDS = 20.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = FeedStack(tmp_path_factory.mktemp("ordinary"), ws_processes=2)
    for name in ("ws-1", "ws-2"):
        stack.process(name).command = [sys.executable, "-m", "tests.platform.faults.group_server"]
        stack.process(name).environment = {
            **stack.process(name).environment,
            "PYTHONPATH": f"{stack.environment['PYTHONPATH']}:{Path.cwd()}",
        }
    with stack:
        yield stack


async def stopped_for_long(redis: Process) -> None:
    """Longer than a hub waits before it replaces its channel layer."""
    redis.signal(signal.SIGSTOP)
    await asyncio.sleep(6)
    redis.signal(signal.SIGCONT)


async def killed(redis: Process) -> None:
    redis.kill()
    redis.start()
    await asyncio.to_thread(redis.wait_ready)


async def until_told(speaker: ClientConnection, listener: ClientConnection, text: str) -> None:
    """Say something until the listener is told; what is said while Redis is away is lost."""
    async with asyncio.timeout(RECOVERY_SECONDS):
        while True:
            await speaker.send(text)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    while await listener.recv() != text:
                        pass
                    return


@pytest.mark.parametrize("outage", [stopped_for_long, killed])
async def test_connected_consumers_receive_again_after_redis_restart(stack: Stack, outage: Callable):
    def address(name: str) -> str:
        return f"{stack.process(name).url.replace('http', 'ws')}/ws/group/"

    async with (
        Client(stack.process("ws-1").url, "lobby", "alice") as alice,
        Client(stack.process("ws-2").url, "lobby", "bob") as bob,
        connect(address("ws-1"), origin=stack.process("ws-1").url) as listener,
    ):
        async with connect(address("ws-2"), origin=stack.process("ws-2").url) as speaker:
            await until_told(speaker, listener, "before")
        await bob.wait_for_delivery(await alice.say("before"))
        await outage(stack.process("redis"))
        async with connect(address("ws-2"), origin=stack.process("ws-2").url) as speaker:
            await until_told(speaker, listener, "after")
        await bob.wait_for_delivery(await alice.say("after"))
