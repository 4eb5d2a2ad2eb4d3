"""The cost of delivering a message to all members of its room, and the latency."""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import Stack
from tests.load.client import Clients, Lost
from tests.load.servers import Running, running
from tests.support.limits import NO_LIMITS
from tests.support.processes import cpu_seconds

Figures = dict[str, float]
# A delivery that takes longer is lost.
PATIENCE_SECONDS = 30
SILENCE_SECONDS = 10


async def one_in_flight(server: str, directory: Path, members: int, seconds: float) -> Figures:
    """Send the next message once all members have received the last one."""
    with running(server, directory) as process:
        async with clients_of(process, members) as clients:
            return {
                "deliveries per CPU-second": await deliveries_per_cpu_second(clients, process.all_process_ids, seconds)
            }


async def busy(
    server: str, directory: Path, members: int, rate: int, senders: int, seconds: float, coalesce: int
) -> Figures:
    """Send ``rate`` messages per second without waiting for deliveries.

    This project sends messages that arrive within ``coalesce`` milliseconds in one write.
    """
    with running(server, directory, environment={"COALESCE_MS": str(coalesce)}) as process:
        async with clients_of(process, members, senders) as clients:
            await send_at_rate(clients, rate, 1)
            before = cpu_seconds(process.all_process_ids)
            messages = await send_at_rate(clients, rate, seconds)
            used = cpu_seconds(process.all_process_ids) - before
            process.check()
            return {
                "deliveries per CPU-second": clients.deliveries / used,
                **percentiles(clients),
                "lost (%)": 100 * (1 - clients.deliveries / (messages * members)),
            }


async def latency(server: str, directory: Path, members: int, rate: int, seconds: float) -> Figures:
    """Send at a rate that leaves every server idle most of the time."""
    with running(server, directory) as process:
        async with clients_of(process, members) as clients:
            await send_at_rate(clients, rate, 1)
            messages = await send_at_rate(clients, rate, seconds)
            check_complete(clients, messages)
            return percentiles(clients)


async def through_nginx(server: str, directory: Path, members: int, seconds: float) -> Figures:
    """One message in flight, through nginx with the template of every deployment."""
    with Stack(directory, ws_processes=1, environment=NO_LIMITS) as stack:
        async with Clients([stack.url], "tutorial", members) as clients:
            await clients.warm_up()
            processes = {
                name: [stack.process(process).pid or 0] for name, process in (("nginx", "nginx"), ("ws", "ws-1"))
            }
            before = {name: cpu_seconds(pids) for name, pids in processes.items()}
            messages = await send_one_by_one(clients, seconds)
            check_complete(clients, messages)
            return {
                f"{name}, µs per delivery": (cpu_seconds(pids) - before[name]) / clients.deliveries * 1e6
                for name, pids in processes.items()
            }


async def more_processes(
    server: str, directory: Path, members: int, seconds: float, processes: Sequence[int]
) -> Figures:
    """One message in flight, with the same members divided among more processes."""
    figures = {}
    for number in processes:
        with tempfile.TemporaryDirectory(dir=directory) as folder, running(server, Path(folder), number) as process:
            async with clients_of(process, members) as clients:
                rate = await deliveries_per_cpu_second(clients, process.all_process_ids, seconds)
                name = "1 process" if number == 1 else f"{number} processes"
                figures[f"{name}, µs per delivery"] = 1e6 / rate
    return figures


async def redis_commands(server: str, directory: Path, members: Sequence[int], messages: int) -> Figures:
    """Count the commands that Redis receives per message of a room."""
    figures = {}
    with running(server, directory) as process:
        assert process.redis
        redis = urlsplit(process.redis.url)
        for number in members:
            async with clients_of(process, number) as clients:
                reader, writer = await asyncio.open_connection(redis.hostname, redis.port)
                writer.write(b"MONITOR\r\n")
                await reader.readline()
                for _ in range(messages):
                    clients.send()
                    await clients.wait_until_delivered(PATIENCE_SECONDS)
                check_complete(clients, messages)
                commands = await _lines_until_silence(reader)
                writer.close()
            figures[f"per message, {number:,} members"] = commands / messages
    return figures


async def _lines_until_silence(reader: asyncio.StreamReader, seconds: float = 1) -> int:
    """Count the lines until none arrives for ``seconds``: a server may publish after it has delivered."""
    lines = 0
    with contextlib.suppress(TimeoutError):
        while await asyncio.wait_for(reader.readline(), seconds):
            lines += 1
    return lines


def clients_of(process: Running, members: int, senders: int = 1, padding: str = "") -> "_Warm":
    return _Warm(process.urls, process.server.dialect, members, senders, padding=padding)


class _Warm(Clients):
    """Clients that warm the server up when they connect."""

    async def __aenter__(self) -> Clients:
        await super().__aenter__()
        try:
            await self.warm_up()
        except BaseException:
            await self.leave()
            raise
        return self


async def deliveries_per_cpu_second(clients: Clients, process_ids: Sequence[int], seconds: float) -> float:
    """Measure with one message in flight; raises Lost if a delivery is missing."""
    await send_one_by_one(clients, seconds / 4)
    clients.reset_counts()
    before = cpu_seconds(process_ids)
    messages = await send_one_by_one(clients, seconds)
    used = cpu_seconds(process_ids) - before
    check_complete(clients, messages)
    return clients.deliveries / used


async def send_one_by_one(clients: Clients, seconds: float) -> int:
    """Send one message after the other for ``seconds``, at least two; return how many."""
    end = time.perf_counter() + seconds
    messages = 0
    while messages < 2 or time.perf_counter() < end:
        clients.send()
        await clients.wait_until_delivered(PATIENCE_SECONDS)
        messages += 1
    return messages


async def send_at_rate(clients: Clients, rate: int, seconds: float) -> int:
    """Reset the counts, send at a steady rate, and wait until every delivery or none arrives any more."""
    clients.reset_counts()
    clients.is_timing = True
    begun = time.perf_counter()
    messages = round(rate * seconds)
    for number in range(messages):
        if (early := begun + number / rate - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        clients.send(number % clients.senders)
        clients.check()
    seen = -1
    while clients.deliveries > seen:
        seen = clients.deliveries
        try:
            await clients.wait_until_delivered(SILENCE_SECONDS)
            break
        except TimeoutError:
            continue
    clients.is_timing = False
    return messages


def check_complete(clients: Clients, messages: int) -> None:
    """Raise Lost unless every message has reached every member once."""
    wanted = messages * len(clients.members)
    if clients.deliveries != wanted or clients.repeated:
        raise Lost(f"{clients.deliveries:,} of {wanted:,} deliveries, {clients.repeated:,} repeated")


def percentiles(clients: Clients) -> Figures:
    cuts = statistics.quantiles(clients.latencies, n=100)
    return {"p99 (ms)": cuts[98] * 1000, "p50 (ms)": cuts[49] * 1000}
