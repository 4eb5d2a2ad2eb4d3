"""How many messages a process stores per second: clients of ``chat.v1`` whose messages are acknowledged."""

import asyncio
import re
import statistics
import time
from array import array
from pathlib import Path

import psycopg
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from tests.load.client import Lost, address
from tests.load.fan_out import Figures
from tests.load.servers import running
from tests.support.postgres import Server

ACKNOWLEDGEMENT = re.compile(rb'^\{"type": ?"ack", ?"id": ?"[0-9]+-([0-9]+)"')
ERROR = re.compile(rb'^\{"type": ?"error"')
TEXT = "x" * 64
WARM_UP_SECONDS = 1
PATIENCE_SECONDS = 30


class Writer(WSListener):
    """A client of ``chat.v1`` that keeps ``window`` messages unacknowledged, and sends others on request."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.window = 0
        self.sent_at: list[float] = []
        self.acknowledged = 0
        self.latencies = array("d")
        self.failure: str | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is not WSMsgType.TEXT:
            return
        payload = frame.get_payload_as_bytes()
        if found := ACKNOWLEDGEMENT.match(payload):
            self.acknowledged += 1
            self.latencies.append(time.perf_counter() - self.sent_at[int(found[1])])
            self.fill()
        elif ERROR.match(payload):
            self.failure = payload.decode()

    def fill(self) -> None:
        """Send until the window is full."""
        while len(self.sent_at) - self.acknowledged < self.window:
            self.send()

    def send(self) -> None:
        frame = f'{{"type": "message", "id": "{self.number}-{len(self.sent_at)}", "message": "{TEXT}"}}'
        self.sent_at.append(time.perf_counter())
        self.transport.send(WSMsgType.TEXT, frame.encode())


async def durable(
    server: str, directory: Path, senders: int, rooms: int, window: int, rate: float, seconds: float
) -> Figures:
    """Return the highest rate of acknowledgements on a PostgreSQL with fsync, then the latency at ``rate``."""
    postgres = Server()
    try:
        postgres.start()
        database = postgres.create_database()
        with running(server, directory, environment={"DATABASE_URL": database}) as process:
            writers = [await _connect(process.urls[0], number, number % rooms) for number in range(senders)]
            saturated = await _saturate(writers, window, seconds)
            for writer in writers:
                writer.latencies = array("d")
            await _send_at_rate(writers, rate, seconds)
            cuts = statistics.quantiles([latency for writer in writers for latency in writer.latencies], n=100)
            _check_stored(database, sum(writer.acknowledged for writer in writers))
            for writer in writers:
                writer.transport.send_close(WSCloseCode.OK)
        return {
            "acknowledged per second": saturated,
            "p50 (ms)": cuts[49] * 1000,
            "p99 (ms)": cuts[98] * 1000,
        }
    finally:
        postgres.stop()


async def _connect(origin: str, number: int, room: int) -> Writer:
    headers = {"Origin": origin, "Sec-WebSocket-Protocol": "chat.v1"}
    url = address(origin, f"durable-{room}", "tutorial")
    writer = Writer(number)
    await ws_connect(lambda: writer, url, extra_headers=headers)
    return writer


async def _saturate(writers: list[Writer], window: int, seconds: float) -> float:
    for writer in writers:
        writer.window = window
        writer.fill()
    await asyncio.sleep(WARM_UP_SECONDS)
    begun, before = time.perf_counter(), sum(writer.acknowledged for writer in writers)
    await asyncio.sleep(seconds)
    rate = (sum(writer.acknowledged for writer in writers) - before) / (time.perf_counter() - begun)
    for writer in writers:
        writer.window = 0
    await _all_acknowledged(writers)
    return rate


async def _send_at_rate(writers: list[Writer], rate: float, seconds: float) -> None:
    begun = time.perf_counter()
    for number in range(round(rate * seconds)):
        if (early := begun + number / rate - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        writers[number % len(writers)].send()
    await _all_acknowledged(writers)


async def _all_acknowledged(writers: list[Writer]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while any(writer.acknowledged < len(writer.sent_at) for writer in writers):
            await asyncio.sleep(0.02)
            if failure := next((writer.failure for writer in writers if writer.failure), None):
                raise Lost(failure)


def _check_stored(database: str, acknowledged: int) -> None:
    """Raise Lost unless PostgreSQL has every acknowledged message, and syncs commits to disk."""
    with psycopg.connect(database) as connection:
        for setting in ("fsync", "synchronous_commit"):
            if connection.execute(f"SHOW {setting}").fetchone() != ("on",):
                raise Lost(f"PostgreSQL's {setting} is off")
        (stored,) = connection.execute("SELECT count(*) FROM chat_message").fetchone() or (0,)
    if stored != acknowledged:
        raise Lost(f"{stored:,} stored, {acknowledged:,} acknowledged")
