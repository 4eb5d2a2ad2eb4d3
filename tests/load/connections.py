"""The cost of opening a connection, and of keeping it."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from tests.load.client import Clients
from tests.load.fan_out import Figures
from tests.load.servers import Running, running
from tests.support.processes import cpu_seconds, memory_kib

# A room of 100 among 4,000 members.
ROOMS = 40
SETTLED_SECONDS = 2
QUIET_SECONDS = 0.3
PATIENCE_SECONDS = 30


async def idle(server: str, directory: Path, members: int) -> Figures:
    """Connect members that send nothing, and compare the memory before and after."""
    with running(server, directory) as process:
        # Memory that the first members allocate once is not a cost of a connection.
        async with _members(process, ROOMS):
            pass
        before = await settled_memory(process.all_process_ids)
        async with _members(process, members) as clients:
            after = await settled_memory(process.all_process_ids)
            clients.check()
        process.check()
        return {"KiB per connection": (after - before) / members}


async def handshake(server: str, directory: Path, members: int, batches: int) -> Figures:
    """Connect guests in batches; closing them is not counted."""
    with running(server, directory) as process:
        ids = process.all_process_ids
        used = 0.0
        # A member stays in each room, so that no batch pays for opening it.
        async with _members(process, ROOMS):
            for batch in range(batches + 1):
                before = await _quiet_cpu(ids)
                async with _members(process, members):
                    # The first batch warms up.
                    used += (await _quiet_cpu(ids) - before) * bool(batch)
        process.check()
        return {"handshakes per CPU-second": batches * members / used}


def _members(process: Running, members: int) -> Clients:
    return Clients(process.urls, process.server.dialect, members, rooms=ROOMS)


async def settled_memory(process_ids: Sequence[int]) -> int:
    """Return the memory in KiB once it has changed by less than 0.2 % for SETTLED_SECONDS."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    last, since = 0, time.monotonic()
    while time.monotonic() - since < SETTLED_SECONDS and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        memory = memory_kib(process_ids)
        if abs(memory - last) > memory * 0.002:
            last, since = memory, time.monotonic()
    return last


async def _quiet_cpu(process_ids: Sequence[int]) -> float:
    """Return the CPU time used, once the processes have hardly used any for QUIET_SECONDS."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    last, since = 0.0, time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        used = cpu_seconds(process_ids)
        if used - last > 0.003:
            since = time.monotonic()
        last = used
    return last
