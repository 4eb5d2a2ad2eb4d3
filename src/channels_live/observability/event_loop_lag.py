"""How long the event loop is held up, by code that computes or blocks in it."""

import asyncio

from channels_live.observability import metrics

INTERVAL_SECONDS = 0.5


async def measure() -> None:
    """Measure for ever; run it as a task of the event loop."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + INTERVAL_SECONDS
        await asyncio.sleep(INTERVAL_SECONDS)
        metrics.EVENT_LOOP_LAG.observe(max(0.0, loop.time() - due))
