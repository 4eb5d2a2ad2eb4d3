"""100,000 malformed frames: the server must neither crash nor keep anything of them."""

import asyncio
import contextlib
import os
import random
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect

from deploy.local import Process
from tests.support.processes import memory_kib

SEED = 20261123
# What follows the frame that ends a connection is data that the server must throw away.
FRAMES, FRAMES_PER_CONNECTION, AT_ONCE = 100_000, 10, 20
# The first frames fill caches and the pools of the allocator; only growth after them counts as a leak.
WARM_UP_FRAMES = 20_000
# Of 8,000 connections, each would leave much more behind if it left anything.
LEFT_OBJECTS, LEFT_KIB = 1_000, 4_096
REQUEST = (
    "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def valid_frame(chance: random.Random) -> bytearray:
    """Return a masked frame of any opcode, with a payload of up to 300 bytes (RFC 6455, section 5.2)."""
    opcode = chance.choice([0x0, 0x1, 0x1, 0x2, 0x8, 0x9, 0xA])
    payload = chance.randbytes(chance.choice([0, 1, 2, 125, 126, 300]) if opcode < 8 else chance.choice([0, 2, 125]))
    if opcode == 0x1:
        payload = payload.hex()[: len(payload)].encode()
    head = bytes([chance.choice([0x80, 0x80, 0x00]) | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    else:
        head += bytes([0x80 | 126]) + len(payload).to_bytes(2, "big")
    mask = chance.randbytes(4)
    return bytearray(head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload)))


def mutate(frame: bytearray, chance: random.Random) -> bytes:
    """Return the frame with one to three things wrong."""
    for _ in range(chance.randint(1, 3)):
        match chance.randrange(7):
            case 0:  # a reserved bit
                frame[0] |= chance.choice([0x10, 0x20, 0x40])
            case 1:  # a reserved opcode
                frame[0] = frame[0] & 0xF0 | chance.choice([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
            case 2:  # not masked, as a client's must be
                frame[1] &= 0x7F
            case 3:  # a length that is not the payload's, also of 8 bytes
                frame[1] = frame[1] & 0x80 | chance.choice([0, 1, 125, 126, 127])
            case 4:  # a length beyond what numbers of 63 bits can say
                frame[1:2] = bytes([frame[1] & 0x80 | 127, *chance.randbytes(8)])
            case 5:  # any byte
                frame[chance.randrange(len(frame))] = chance.randrange(256)
            case 6:  # the end is missing
                del frame[chance.randint(2, len(frame)) :]
    return bytes(frame)


async def attack(host: str, frames: Sequence[bytes]) -> None:
    """Send the frames, say that no more come, and read until the server has closed the connection."""
    reader, writer = await asyncio.open_connection(*host.split(":"))
    try:
        writer.write(REQUEST.format(host=host).encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        # The server may close at the first frame, while we still write.
        with contextlib.suppress(OSError):
            writer.write(b"".join(frames))
            writer.write_eof()
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):
                await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def attack_all(host: str, frames: Sequence[bytes]) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def attack_next(start: int) -> None:
        async with slots:
            await attack(host, frames[start : start + FRAMES_PER_CONNECTION])

    async with asyncio.TaskGroup() as tasks:
        for start in range(0, len(frames), FRAMES_PER_CONNECTION):
            tasks.create_task(attack_next(start))


def open_files(process: Process) -> int:
    return len(os.listdir(Path("/proc") / str(process.pid) / "fd"))


def objects(process: Process) -> int:
    """Return how many Python objects the server has."""
    with urllib.request.urlopen(process.url, timeout=60) as response:
        return int(response.read())


async def assert_echoes(process: Process) -> None:
    async with connect(process.url.replace("http", "ws", 1), proxy=None) as socket:
        await socket.send("still here")
        assert await asyncio.wait_for(socket.recv(), 10) == "still here"


async def falls_to(measure: Callable[[], int], most: int) -> bool:
    """Whether what is measured is no more than ``most``, now or within 30 s.

    A timer that was cancelled keeps its connection until it would have been due.
    """
    for _ in range(60):
        if measure() <= most:
            return True
        await asyncio.sleep(0.5)
    return False


@pytest.mark.timeout(600)
async def test_malformed_frames_neither_crash_nor_leak(echo_server: Process) -> None:
    chance = random.Random(SEED)
    frames = [mutate(valid_frame(chance), chance) for _ in range(FRAMES)]
    host = urlsplit(echo_server.url).netloc
    await assert_echoes(echo_server)
    files, left = open_files(echo_server), objects(echo_server)

    await attack_all(host, frames[:WARM_UP_FRAMES])
    assert await falls_to(lambda: open_files(echo_server), files)
    assert await falls_to(lambda: objects(echo_server), left + LEFT_OBJECTS)
    memory = memory_kib([echo_server.pid or 0])

    await attack_all(host, frames[WARM_UP_FRAMES:])
    assert echo_server.is_running
    await assert_echoes(echo_server)
    assert await falls_to(lambda: open_files(echo_server), files)
    assert await falls_to(lambda: objects(echo_server), left + LEFT_OBJECTS)
    assert await falls_to(lambda: memory_kib([echo_server.pid or 0]), memory + LEFT_KIB)
