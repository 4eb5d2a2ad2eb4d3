"""The latency of other clients while one client floods the server."""

import asyncio
import base64
import contextlib
import os
import re
import statistics
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.stack import ROOT
from tests.load.client import address
from tests.load.fan_out import Figures, check_complete, clients_of, percentiles, send_at_rate
from tests.load.servers import running

ROOM = "abuser"
# Each batch is one write, so that the flood takes little CPU time of the client.
BATCHES_PER_SECOND = 100
RETURN_SECONDS = 1.0
# The default limits, which all other scenarios switch off.
DEFAULTS = re.compile(r"^#(MESSAGE_RATE|MESSAGE_BURST|ROOM_MESSAGE_RATE)=(\S+)", re.MULTILINE)
LIMITS = dict(DEFAULTS.findall((ROOT / ".env.example").read_text()))


async def abuser(
    server: str, directory: Path, members: int, rate: int, flood: int, seconds: float, rounds: int
) -> Figures:
    """Send at a steady rate in one room, in turn without and with a client that floods another room.

    It is closed with 1008, and reconnects after a second. The figures are the medians of the rounds.
    """
    quiet, loud = [], []
    with running(server, directory, environment=LIMITS) as process:
        # With enough senders that none exceeds its own limit.
        async with clients_of(process, members, senders=rate) as clients:
            await send_at_rate(clients, rate, 1)
            for _ in range(rounds):
                check_complete(clients, await send_at_rate(clients, rate, seconds))
                quiet.append(percentiles(clients)["p99 (ms)"])
                async with flooded(process.urls[0], flood):
                    check_complete(clients, await send_at_rate(clients, rate, seconds))
                loud.append(percentiles(clients)["p99 (ms)"])
        process.check()
    return {"p99 alone (ms)": statistics.median(quiet), "p99 with abuser (ms)": statistics.median(loud)}


@contextlib.asynccontextmanager
async def flooded(origin: str, rate: int) -> AsyncIterator[None]:
    """Let a client send ``rate`` messages per second whenever it is connected."""
    task = asyncio.create_task(_flood_and_reconnect(origin, rate))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _flood_and_reconnect(origin: str, rate: int) -> None:
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await _flood(origin, rate)
        await asyncio.sleep(RETURN_SECONDS)


async def _flood(origin: str, rate: int) -> None:
    url = urlsplit(address(origin, ROOM, "tutorial"))
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {url.path} HTTP/1.1", f"Host: {url.netloc}", f"Origin: {origin}", "Connection: Upgrade"]
    lines += ["Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", ""]
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    reading: asyncio.Task[bytes] | None = None
    try:
        writer.write("\r\n".join(lines).encode())
        await reader.readuntil(b"\r\n\r\n")
        reading = asyncio.create_task(reader.read())
        payload = b'{"message":"buy this"}'
        batch = (b"\x81" + bytes([0x80 | len(payload)]) + bytes(4) + payload) * (rate // BATCHES_PER_SECOND)
        # Until the server closes the connection.
        while not reading.done():
            writer.write(batch)
            await writer.drain()
            await asyncio.sleep(1 / BATCHES_PER_SECOND)
    finally:
        if reading:
            reading.cancel()
        writer.close()
