"""The package's resuming client, as the tests of this repository's own apps use it: an entry is one text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from channels_live.testing import AsyncResumingClient


@dataclass(frozen=True, slots=True)
class Protocol:
    """How an app's entries are sent and received: below which path, and under which names in the frames."""

    path: str
    subprotocol: str
    entry: str
    text: str


# The app of the platform's own tests (tests/platform/project).
FEED = Protocol("/ws/feed/", "journal.v1", "entry", "text")


class Client(AsyncResumingClient):
    """A member of a room, from ``async with`` on; ``url`` is nginx's or that of one ws process.

    ``after`` is the number from which it resumes the first time.
    """

    def __init__(self, url: str, room: str, name: str, after: int = 0, protocol: Protocol = FEED) -> None:
        address = f"{url.replace('http', 'ws', 1)}{protocol.path}{quote(room, safe='')}/"
        super().__init__(address, name, after=after, subprotocol=protocol.subprotocol, entry=protocol.entry)
        self.protocol = protocol
        self.room = room
        # How many are in the room, by the newest presence frame.
        self.presence = 0

    async def say(self, text: str) -> str:
        """Send a message now, or as soon as there is a connection; return its id."""
        return await self.send(**{self.protocol.text: text})

    async def on_frame(self, frame: Mapping[str, Any]) -> None:
        if frame.get("type") == "presence":
            self.presence = frame["count"]
