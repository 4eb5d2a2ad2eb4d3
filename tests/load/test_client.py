"""The crowd must notice what a server does wrong, or a server that loses messages would win."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, broadcast, serve

from tests.load.client import Crowd, Lost
from tests.load.fan_out import complete, percentiles, pour

Fault = Callable[[str, list[ServerConnection]], Iterable[tuple[str, list[ServerConnection]]]]


@asynccontextmanager
async def crowd(fault: Fault, members: int = 5) -> AsyncIterator[Crowd]:
    """A crowd at a server that gives each message to those whom ``fault`` names."""
    sockets: list[ServerConnection] = []

    async def handle(socket: ServerConnection) -> None:
        sockets.append(socket)
        async for message in socket:
            for text, receivers in fault(str(message), sockets):
                broadcast(receivers, text)

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with Crowd([f"http://127.0.0.1:{port}"], "tutorial", members) as joined:
            yield joined


async def test_every_delivery_is_counted_and_timed() -> None:
    async with crowd(lambda text, everyone: [(text, everyone)]) as members:
        await members.warm_up()
        messages = await pour(members, rate=100, seconds=0.1)
        complete(members, messages)
        assert members.deliveries == len(members.latencies) == 10 * 5
        assert 0 < percentiles(members)["p50 (ms)"] < 10_000


async def test_a_lost_delivery_is_noticed() -> None:
    first = iter([True])
    async with crowd(lambda text, everyone: [(text, everyone[1:] if next(first, False) else everyone)]) as members:
        members.say()
        members.say()
        await members.arrived(10)
        with pytest.raises(Lost, match="9 of 10"):
            complete(members, 2)


async def test_a_repeated_delivery_is_noticed() -> None:
    async with crowd(lambda text, everyone: [(text, everyone[:1]), (text, everyone)]) as members:
        members.say()
        members.say()
        await members.arrived(10)
        with pytest.raises(Lost, match=r"[12] repeated"):
            complete(members, 2)


async def test_deliveries_that_change_places_are_noticed() -> None:
    held: list[str] = []

    def swap(text: str, everyone: list[ServerConnection]) -> list[tuple[str, list[ServerConnection]]]:
        held.append(text)
        return [(later, everyone) for later in reversed(held)] if len(held) == 2 else []

    async with crowd(swap) as members:
        members.say()
        members.say()
        await members.arrived(10)
        with pytest.raises(Lost, match="5 of 10"):
            complete(members, 2)


async def test_an_error_ends_the_run() -> None:
    async with crowd(lambda text, everyone: [('{"error": {"code": "overloaded"}}', everyone[:1])]) as members:
        members.say()
        with pytest.raises(Lost, match="overloaded"):
            await members.arrived(10)
