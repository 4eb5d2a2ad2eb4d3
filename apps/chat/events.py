"""The journal's messages as clients see them, and as they travel between processes.

A frame is JSON text, made once for all members. ``""`` is the tutorial's protocol, ``chat.v1`` ours.
"""

import json
from typing import Any

from chat.journal import Stored

TUTORIAL = ""
CHAT_V1 = "chat.v1"


def message_json(stored: Stored) -> dict[str, Any]:
    """Return the message of ``chat.v1`` and of the HTTP API. A removed one has no text, and says so."""
    content: dict[str, Any] = {
        "seq": stored.seq,
        "id": stored.id,
        "message": "" if stored.removed else stored.text,
        "author": stored.author,
        "sent_at": stored.sent_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if stored.removed:
        content["removed"] = True
    return content


def message_frames(stored: Stored) -> dict[str, str]:
    """Return the frame of each protocol. The tutorial's has no word for a removed message: no frame for it."""
    frames = {CHAT_V1: encode({"type": "message", **message_json(stored)})}
    if not stored.removed:
        frames[TUTORIAL] = encode({"message": stored.text})
    return frames


def removed_frames(seq: int) -> dict[str, str]:
    """Return the frames that tell open pages to take the text of a message away."""
    return {CHAT_V1: encode({"type": "removed", "seq": seq})}


def encode(content: dict[str, Any]) -> str:
    """Return JSON in which only that is escaped which must be (RFC 8259, section 7).

    Escaped, an emoji has 12 bytes instead of 4. Texts must be without halves of surrogate pairs; chat.messages lets
    none in. Not for the inside of HTML.
    """
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def typing_frames(author: str) -> dict[str, str]:
    """Return the frames that say who is typing."""
    return {CHAT_V1: encode({"type": "typing", "author": author})}


def presence_frames(count: int, members: list[str]) -> dict[str, str]:
    """Return the frames that say how many are in the room, and some of their names."""
    return {CHAT_V1: encode({"type": "presence", "count": count, "members": members})}
