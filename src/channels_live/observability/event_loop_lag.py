"""Measures how late the event loop runs timers, because of code that computes or blocks in it."""

import asyncio

from channels_live.observability import metrics

INTERVAL_SECONDS = 0.5


async def measure(interval: float = INTERVAL_SECONDS) -> None:
    """Measure every ``interval`` seconds without end; run it as a task of the event loop."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + interval
        await asyncio.sleep(interval)
        metrics.EVENT_LOOP_LAG.observe(max(0.0, loop.time() - due))
