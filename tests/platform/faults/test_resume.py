"""Coming back after a long time, while the room is busy."""

import asyncio
import time
from contextlib import AsyncExitStack

from tests.support.client import Client
from tests.support.load import count

MISSED = 5_000
PER_SECOND = 100
RESUMERS = 6


async def test_5000_missed_messages_while_100_a_second_arrive(enter, figures):
    async with AsyncExitStack() as members:
        # On all processes, for a burst goes through one process' event loop at some hundred messages a second.
        writers = [await members.enter_async_context(enter(f"writer-{n}", f"ws-{n}")) for n in (1, 2, 3)]
        for number in range(MISSED):
            await writers[number % 3].say(f"missed {number}")
        for writer in writers:
            await writer.wait_for(lambda writer=writer: not writer.unacknowledged, 60)
        stop = asyncio.Event()
        writing = asyncio.create_task(_write(writers[0], stop))
        try:
            started = time.monotonic()
            resumers = [
                await members.enter_async_context(enter(f"reader-{n}", f"ws-{n % 3 + 1}")) for n in range(RESUMERS)
            ]
            for resumer in resumers:
                await resumer.wait_for(lambda resumer=resumer: resumer.seq > MISSED, 60)
            replayed = time.monotonic() - started
            # Live for another second.
            await asyncio.sleep(1)
        finally:
            stop.set()
            await writing
        await writers[0].wait_for(lambda: not writers[0].unacknowledged)
        head = max(writers[0].acknowledged.values())
        for member in [*writers, *resumers]:
            await member.wait_for(lambda member=member: member.seq == head)
        found = count(*writers, *resumers)
        assert found.is_clean, found
        figures.append(f"{RESUMERS} readers resumed over {MISSED:,} messages in {replayed:.2f} s, {found}")


async def _write(writer: Client, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await writer.say("meanwhile")
        await asyncio.sleep(1 / PER_SECOND)
