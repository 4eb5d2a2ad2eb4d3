"""One event, many sockets: the frame is built once, and the same bytes are written to each."""

import asyncio
import logging
from collections.abc import Iterable

from channels_live.frames import pieces
from channels_live.hub.members import Audience, Socket
from channels_live.layers.event import Event
from channels_live.observability import metrics

logger = logging.getLogger(__name__)

# Writes after which other tasks of the event loop have a turn: about 2 ms.
CHUNK = 256


async def fan_out(events: list[Event], audiences: Iterable[Audience], chunk: int = CHUNK) -> None:
    """Write the events to all sockets, in as few writes as possible; each protocol gets its own frames, or none."""
    for protocol, sockets in audiences:
        for count, data in pieces(event.frames[protocol] for event in events if protocol in event.frames):
            metrics.count_sent(count * len(sockets), len(data) * len(sockets))
            await _write(data, sockets, chunk)
    for event in events:
        metrics.observe_delivery(event.published_at)


async def _write(data: bytes, sockets: tuple[Socket, ...], chunk: int) -> None:
    for begin in range(0, len(sockets), chunk):
        if begin:
            await asyncio.sleep(0)
        for socket in sockets[begin : begin + chunk]:
            try:
                socket.write(data)
            except Exception:
                logger.exception("Failed to deliver an event to a member")
