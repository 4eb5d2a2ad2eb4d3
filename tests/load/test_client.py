"""The clients detect lost, repeated and reordered deliveries; otherwise a server that loses messages would win."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, broadcast, serve

from tests.load.client import Clients, Lost
from tests.load.fan_out import check_complete, percentiles, send_at_rate

Fault = Callable[[str, list[ServerConnection]], Iterable[tuple[str, list[ServerConnection]]]]


@asynccontextmanager
async def clients(fault: Fault, members: int = 5) -> AsyncIterator[Clients]:
    """Clients of a server that sends each message to the sockets that ``fault`` returns."""
    sockets: list[ServerConnection] = []

    async def handle(socket: ServerConnection) -> None:
        sockets.append(socket)
        async for message in socket:
            for text, receivers in fault(str(message), sockets):
                broadcast(receivers, text)

    async with serve(handle, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with Clients([f"http://127.0.0.1:{port}"], "tutorial", members) as joined:
            yield joined


async def test_clients_count_and_time_every_delivery() -> None:
    async with clients(lambda text, everyone: [(text, everyone)]) as members:
        await members.warm_up()
        messages = await send_at_rate(members, rate=100, seconds=0.1)
        check_complete(members, messages)
        assert members.deliveries == len(members.latencies) == 10 * 5
        assert 0 < percentiles(members)["p50 (ms)"] < 10_000


async def test_check_complete_raises_for_a_lost_delivery() -> None:
    first = iter([True])
    async with clients(lambda text, everyone: [(text, everyone[1:] if next(first, False) else everyone)]) as members:
        members.send()
        members.send()
        await members.wait_until_delivered(10)
        with pytest.raises(Lost, match="9 of 10"):
            check_complete(members, 2)


async def test_check_complete_raises_for_a_repeated_delivery() -> None:
    async with clients(lambda text, everyone: [(text, everyone[:1]), (text, everyone)]) as members:
        members.send()
        members.send()
        await members.wait_until_delivered(10)
        with pytest.raises(Lost, match=r"[12] repeated"):
            check_complete(members, 2)


async def test_check_complete_raises_for_reordered_deliveries() -> None:
    held: list[str] = []

    def swap(text: str, everyone: list[ServerConnection]) -> list[tuple[str, list[ServerConnection]]]:
        held.append(text)
        return [(later, everyone) for later in reversed(held)] if len(held) == 2 else []

    async with clients(swap) as members:
        members.send()
        members.send()
        await members.wait_until_delivered(10)
        with pytest.raises(Lost, match="5 of 10"):
            check_complete(members, 2)


async def test_wait_until_delivered_raises_for_an_error_of_the_server() -> None:
    async with clients(lambda text, everyone: [('{"error": {"code": "overloaded"}}', everyone[:1])]) as members:
        members.send()
        with pytest.raises(Lost, match="overloaded"):
            await members.wait_until_delivered(10)
