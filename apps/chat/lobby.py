"""How many are in which room, over all processes, for the page where a room is picked.

Each process reports the rooms it has members in: at once on every change, but at most once a second, and every
ten seconds. It forgets the report of a process it has not heard of for thirty. Nothing is kept: a lost report is
made good by the next.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Protocol

from channels_live import journal
from channels_live.hub.hub import Hub
from channels_live.observability.logs import first_line

logger = logging.getLogger(__name__)

GROUP = "chat.lobby"
CHANGE_SECONDS = 1.0
REPORT_SECONDS = 10.0
FORGET_SECONDS = 30.0
# In a report and in a frame: the rooms with most members.
MAX_ROOMS = 50
# Rooms of this process that are looked at for it; private ones may be among them.
MAX_CANDIDATES = 200


class Visitor(Protocol):
    """A socket of a page that shows the counts."""

    def tell(self, text_data: str) -> None:
        """Send a text frame, without waiting for the client."""


class Lobby:
    """Knows the counts, and tells them to its visitors. Make it inside the event loop.

    ``open_rooms`` returns those of some rooms that a guest may enter: no other is told of, here or elsewhere.
    """

    def __init__(self, hub: Hub, open_rooms: Callable[[Collection[str]], Awaitable[set[str]]]) -> None:
        self._hub = hub
        self._open_rooms = open_rooms
        self._public: set[str] = set()
        self._process = uuid.uuid4().hex
        self._here: dict[str, int] = {}
        self._elsewhere: dict[str, tuple[float, dict[str, int]]] = {}
        self._visitors: set[Visitor] = set()
        # None where the visitors were told different things.
        self._told: dict[str, int] | None = {}
        self._reported: dict[str, int] = {}
        hub.handlers["lobby"] = self._heard
        self._reporter = asyncio.create_task(self._report_all())

    def count(self, room: str, count: int) -> None:
        """Take note of how many are in a room that has members in this process, over all processes."""
        self._here[room] = count

    def enter(self, visitor: Visitor) -> str:
        """Tell the visitor of every change from now on, and return what they see first."""
        self._visitors.add(visitor)
        counts = self.counts()
        if counts != self._told:
            # The next round tells all, also if by then everything is as it was before.
            self._told = None
        return encode(counts)

    def leave(self, visitor: Visitor) -> None:
        """Tell the visitor no more."""
        self._visitors.discard(visitor)

    def counts(self) -> dict[str, int]:
        """Return the number of members of the busiest rooms."""
        counts = self._counts_here()
        for _, theirs in self._elsewhere.values():
            # Whoever has members in a room knows all of them; two reports differ only for a moment.
            for room, count in theirs.items():
                counts[room] = max(count, counts.get(room, 0))
        return busiest({room: count for room, count in counts.items() if room in self._public})

    def _counts_here(self) -> dict[str, int]:
        self._here = {room: count for room, count in self._here.items() if room in self._hub.topics}
        return {room: count for room, count in self._here.items() if room in self._public}

    async def _find_public(self) -> None:
        """Ask which of the busiest rooms are public; what is not known yet is not told of."""
        candidates = set(busiest(self._here, MAX_CANDIDATES)).union(*(counts for _, counts in self._elsewhere.values()))
        try:
            self._public = await self._open_rooms(candidates)
        except Exception as error:
            logger.warning("It is not known which rooms are public: %s", first_line(error))

    def _heard(self, message: dict[str, Any]) -> None:
        if message["process"] == self._process:
            return
        self._elsewhere[message["process"]] = time.monotonic(), message["counts"]
        if message["asks"]:
            self._report(asks=False)

    def _report(self, asks: bool) -> None:
        self._reported = busiest(self._counts_here())
        message = {"type": "lobby", "process": self._process, "counts": self._reported, "asks": asks}
        self._hub.wire.send(GROUP, message)

    async def _report_all(self) -> None:
        reported_at = 0.0
        while True:
            now = time.monotonic()
            self._elsewhere = {
                process: (heard, counts)
                for process, (heard, counts) in self._elsewhere.items()
                if now - heard < FORGET_SECONDS
            }
            await self._find_public()
            is_new = not self._hub.wire.has_joined(GROUP)
            if is_new:
                await self._hub.wire.join(GROUP)
            if self._hub.wire.has_joined(GROUP) and (
                is_new or self._reported != busiest(self._counts_here()) or now - reported_at >= REPORT_SECONDS
            ):
                self._report(asks=is_new)
                reported_at = now
            self._tell()
            await asyncio.sleep(CHANGE_SECONDS)

    def _tell(self) -> None:
        counts = self.counts()
        if counts == self._told:
            return
        self._told = counts
        text = encode(counts)
        for visitor in tuple(self._visitors):
            try:
                visitor.tell(text)
            except Exception:
                logger.exception("A visitor could not be told the counts")


def busiest(counts: Mapping[str, int], limit: int = MAX_ROOMS) -> dict[str, int]:
    """Return the rooms with most members."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit])


def encode(counts: Mapping[str, int]) -> str:
    """Return the frame ``{"rooms": {name: members}}``."""
    return journal.encode({"rooms": counts})
