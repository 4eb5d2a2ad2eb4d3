"""The number of people in each room, over all processes, for the page with the list of rooms.

Each process announces the rooms in which it has members: on every change, but at most once a second.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Protocol

from channels_live import journal
from channels_live.hub import Gossip, Hub
from channels_live.observability import first_line

logger = logging.getLogger(__name__)

# The group of all processes, and what the gossip is about.
GROUP = "chat.lobby"
CHANGE_SECONDS = 1.0
# The rooms with most members, in an announcement and in a frame.
MAX_ROOMS = 50
# Rooms of this process that are considered for these; private ones may be among them.
MAX_CANDIDATES = 200


class Visitor(Protocol):
    """A socket of a page that shows the counts."""

    def tell(self, text_data: str) -> None:
        """Send a text frame, without waiting for the client."""


class Lobby:
    """Keeps the counts of all processes, and sends them to its visitors. Create it inside the event loop.

    ``open_rooms`` returns those of some rooms that a guest may enter. No other room is announced or sent.
    """

    def __init__(
        self,
        hub: Hub,
        open_rooms: Callable[[Collection[str]], Awaitable[set[str]]],
        *,
        change_seconds: float = CHANGE_SECONDS,
    ) -> None:
        self._hub = hub
        self._open_rooms = open_rooms
        self._change_seconds = change_seconds
        self._public: set[str] = set()
        self._here: dict[str, int] = {}
        self._visitors: set[Visitor] = set()
        # The counts that all visitors have; None where they have different ones.
        self._sent: dict[str, int] | None = {}
        self._announced: dict[str, int] = {}
        # Of another process: the number of members in each of its rooms. Announced at once, since a round of the
        # lobby is what looks for changes.
        self._gossip: Gossip[dict[str, int]] = Gossip(
            hub.connection.send, self._announcement, _read, lambda _: None, change_seconds=0.0
        )
        hub.handlers["lobby"] = self._receive
        self._announcer = asyncio.create_task(self._announce_changes())

    def count(self, room: str, count: int) -> None:
        """Set the number of members, over all processes, of a room that has members in this process."""
        self._here[room] = count

    def enter(self, visitor: Visitor) -> str:
        """Send the visitor every change from now on, and return the first frame for it."""
        self._visitors.add(visitor)
        counts = self.counts()
        if counts != self._sent:
            # The next round sends the counts to all visitors, even if they are back to what the others have.
            self._sent = None
        return encode(counts)

    def leave(self, visitor: Visitor) -> None:
        """Send the visitor nothing more."""
        self._visitors.discard(visitor)

    def close(self) -> None:
        """Announce nothing more, and send nothing more to visitors."""
        self._announcer.cancel()
        self._gossip.close()

    def counts(self) -> dict[str, int]:
        """Return the number of members of the busiest rooms."""
        counts = self._counts_here()
        for theirs in self._gossip.others(GROUP):
            # A process with members in a room knows the number of all; two announcements differ only for a moment.
            for room, count in theirs.items():
                counts[room] = max(count, counts.get(room, 0))
        return busiest({room: count for room, count in counts.items() if room in self._public})

    def _counts_here(self) -> dict[str, int]:
        self._here = {room: count for room, count in self._here.items() if room in self._hub.topics}
        return {room: count for room, count in self._here.items() if room in self._public}

    async def _find_public(self) -> None:
        """Read which of the busiest rooms are public; a room is sent only when this is known."""
        candidates = set(busiest(self._here, MAX_CANDIDATES)).union(*self._gossip.others(GROUP))
        try:
            self._public = await self._open_rooms(candidates)
        except Exception as error:
            logger.warning(
                "Failed to read which rooms are public, the list of rooms may be out of date: %s", first_line(error)
            )

    def _receive(self, message: dict[str, Any]) -> None:
        self._gossip.receive(GROUP, message)

    def _announcement(self, _: str) -> dict[str, Any]:
        self._announced = busiest(self._counts_here())
        return {"type": "lobby", "counts": self._announced}

    async def _announce_changes(self) -> None:
        connection = self._hub.connection
        while True:
            await self._find_public()
            if not connection.has_joined(GROUP):
                await connection.join(GROUP)
                if connection.has_joined(GROUP):
                    self._gossip.arrive(GROUP)
            elif self._announced != busiest(self._counts_here()):
                self._gossip.announce_soon(GROUP)
            self._send_changes()
            await asyncio.sleep(self._change_seconds)

    def _send_changes(self) -> None:
        counts = self.counts()
        if counts == self._sent:
            return
        self._sent = counts
        text = encode(counts)
        for visitor in tuple(self._visitors):
            try:
                visitor.tell(text)
            except Exception:
                logger.exception("Failed to send the list of rooms to a visitor")


def _read(message: Mapping[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = message["counts"]
    return counts


def busiest(counts: Mapping[str, int], limit: int = MAX_ROOMS) -> dict[str, int]:
    """Return the rooms with most members."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit])


def encode(counts: Mapping[str, int]) -> str:
    """Return the frame ``{"rooms": {name: members}}``."""
    return journal.encode({"rooms": counts})
