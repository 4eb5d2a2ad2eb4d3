"""Members of a feed for tests that do one thing after the other."""

import json
import uuid
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support.client import FEED

SECONDS = 20


def open_feed(url: str, feed: str = "lobby", query: str = "", **options: Any) -> ClientConnection:
    """Open the socket of a feed, below nginx's address or that of one ws process, as a page of that origin does."""
    address = f"{url.replace('http', 'ws', 1)}{FEED.path}{feed}/{query}"
    return connect(address, **{"origin": url, **options})


def post(member: ClientConnection, text: str) -> None:
    member.send(json.dumps({"type": FEED.entry, "id": uuid.uuid4().hex, FEED.text: text}))


def next_frame(member: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next frame of a type; raises TimeoutError."""
    while True:
        frame: dict[str, Any] = json.loads(member.recv(SECONDS))
        if frame["type"] == kind:
            return frame


def next_text(member: ClientConnection) -> str:
    """Return the text of the next post; raises TimeoutError."""
    text: str = next_frame(member, FEED.entry)[FEED.text]
    return text
