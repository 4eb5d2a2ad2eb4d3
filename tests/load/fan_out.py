"""What it costs to give a message to all members of its room, and how long that takes."""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import Stack
from tests.load.client import Crowd, Lost
from tests.load.servers import Running, running
from tests.support.limits import NO_LIMITS
from tests.support.processes import cpu_seconds

Figures = dict[str, float]
# After so many seconds without the last delivery it is lost.
PATIENCE_SECONDS = 30
SILENCE_SECONDS = 10


async def one_in_flight(server: str, directory: Path, members: int, seconds: float) -> Figures:
    """Write the next message once everyone has the last."""
    with running(server, directory) as process:
        async with crowd_of(process, members) as crowd:
            return {
                "deliveries per CPU-second": await deliveries_per_cpu_second(crowd, process.all_process_ids, seconds)
            }


async def busy(
    server: str, directory: Path, members: int, rate: int, senders: int, seconds: float, coalesce: int
) -> Figures:
    """Write so many messages per second, however many of them are still on their way.

    Ours holds each for up to ``coalesce`` milliseconds, to send it together with others.
    """
    with running(server, directory, environment={"COALESCE_MS": str(coalesce)}) as process:
        async with crowd_of(process, members, senders) as crowd:
            await pour(crowd, rate, 1)
            before = cpu_seconds(process.all_process_ids)
            messages = await pour(crowd, rate, seconds)
            used = cpu_seconds(process.all_process_ids) - before
            process.check()
            return {
                "deliveries per CPU-second": crowd.deliveries / used,
                **percentiles(crowd),
                "lost (%)": 100 * (1 - crowd.deliveries / (messages * members)),
            }


async def latency(server: str, directory: Path, members: int, rate: int, seconds: float) -> Figures:
    """Write at a rate that leaves every server idle most of the time."""
    with running(server, directory) as process:
        async with crowd_of(process, members) as crowd:
            await pour(crowd, rate, 1)
            messages = await pour(crowd, rate, seconds)
            complete(crowd, messages)
            return percentiles(crowd)


async def through_nginx(server: str, directory: Path, members: int, seconds: float) -> Figures:
    """One in flight, through the real nginx with the template that every run uses."""
    with Stack(directory, ws_processes=1, environment=NO_LIMITS) as stack:
        async with Crowd([stack.url], "tutorial", members) as crowd:
            await crowd.warm_up()
            processes = {
                name: [stack.process(process).pid or 0] for name, process in (("nginx", "nginx"), ("ws", "ws-1"))
            }
            before = {name: cpu_seconds(pids) for name, pids in processes.items()}
            messages = await talk(crowd, seconds)
            complete(crowd, messages)
            return {
                f"{name}, µs per delivery": (cpu_seconds(pids) - before[name]) / crowd.deliveries * 1e6
                for name, pids in processes.items()
            }


async def more_processes(
    server: str, directory: Path, members: int, seconds: float, processes: Sequence[int]
) -> Figures:
    """One in flight, with the same members divided among more and more processes."""
    figures = {}
    for number in processes:
        with tempfile.TemporaryDirectory(dir=directory) as folder, running(server, Path(folder), number) as process:
            async with crowd_of(process, members) as crowd:
                rate = await deliveries_per_cpu_second(crowd, process.all_process_ids, seconds)
                name = "1 process" if number == 1 else f"{number} processes"
                figures[f"{name}, µs per delivery"] = 1e6 / rate
    return figures


async def redis_commands(server: str, directory: Path, members: Sequence[int], messages: int) -> Figures:
    """Count what Redis is asked, for each message of a room."""
    figures = {}
    with running(server, directory) as process:
        assert process.redis
        redis = urlsplit(process.redis.url)
        for number in members:
            async with crowd_of(process, number) as crowd:
                reader, writer = await asyncio.open_connection(redis.hostname, redis.port)
                writer.write(b"MONITOR\r\n")
                await reader.readline()
                for _ in range(messages):
                    crowd.say()
                    await crowd.arrived(PATIENCE_SECONDS)
                complete(crowd, messages)
                commands = await _lines_until_silence(reader)
                writer.close()
            figures[f"per message, {number:,} members"] = commands / messages
    return figures


async def _lines_until_silence(reader: asyncio.StreamReader, seconds: float = 1) -> int:
    """Count the lines until none comes for so long: a server may publish after its own members have the message."""
    lines = 0
    with contextlib.suppress(TimeoutError):
        while await asyncio.wait_for(reader.readline(), seconds):
            lines += 1
    return lines


def crowd_of(process: Running, members: int, senders: int = 1, padding: str = "") -> "_Warm":
    return _Warm(process.urls, process.server.dialect, members, senders, padding=padding)


class _Warm(Crowd):
    """A crowd that has warmed its server up."""

    async def __aenter__(self) -> Crowd:
        await super().__aenter__()
        try:
            await self.warm_up()
        except BaseException:
            await self.leave()
            raise
        return self


async def deliveries_per_cpu_second(crowd: Crowd, process_ids: Sequence[int], seconds: float) -> float:
    """Talk with one message in flight; raises Lost where not everything arrived."""
    await talk(crowd, seconds / 4)
    crowd.forget()
    before = cpu_seconds(process_ids)
    messages = await talk(crowd, seconds)
    used = cpu_seconds(process_ids) - before
    complete(crowd, messages)
    return crowd.deliveries / used


async def talk(crowd: Crowd, seconds: float) -> int:
    """Write one message after the other for so long, at least two; return how many."""
    end = time.perf_counter() + seconds
    messages = 0
    while messages < 2 or time.perf_counter() < end:
        crowd.say()
        await crowd.arrived(PATIENCE_SECONDS)
        messages += 1
    return messages


async def pour(crowd: Crowd, rate: int, seconds: float) -> int:
    """Count anew, write at a steady rate, and wait until all has arrived or nothing more comes."""
    crowd.forget()
    crowd.is_timing = True
    begun = time.perf_counter()
    messages = round(rate * seconds)
    for number in range(messages):
        if (early := begun + number / rate - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        crowd.say(number % crowd.senders)
        crowd.check()
    seen = -1
    while crowd.deliveries > seen:
        seen = crowd.deliveries
        try:
            await crowd.arrived(SILENCE_SECONDS)
            break
        except TimeoutError:
            continue
    crowd.is_timing = False
    return messages


def complete(crowd: Crowd, messages: int) -> None:
    """Raise Lost unless every message reached every member once."""
    wanted = messages * len(crowd.members)
    if crowd.deliveries != wanted or crowd.repeated:
        raise Lost(f"{crowd.deliveries:,} of {wanted:,} deliveries, {crowd.repeated:,} repeated")


def percentiles(crowd: Crowd) -> Figures:
    cuts = statistics.quantiles(crowd.latencies, n=100)
    return {"p99 (ms)": cuts[98] * 1000, "p50 (ms)": cuts[49] * 1000}
