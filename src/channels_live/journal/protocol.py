"""``journal.v1``, the WebSocket protocol of JournalConsumer: JSON text frames, each an object with a ``type``.

The address takes ``?after=SEQ&epoch=EPOCH``: the number of the last entry that the client has, and the epoch that the
welcome told with it. Without ``after`` only new entries come. The server sends:

=========  =====================================================================================================
welcome    ``stream``, ``head`` (the newest number), ``resumed_from`` (``after`` or null), ``epoch``; the first frame
reset      ``head``: what follows ``after`` is not kept, or it is another journal; live entries follow from ``head``
entry      ``seq``, ``id``, ``sent_at`` (RFC 3339, UTC), and the app's own fields; in order, each number once
ack        ``id``, ``seq``: the client's entry is stored under this number; an id that is sent again is stored once
error      ``code``, ``detail`` (for developers), ``id`` where the entry is known, ``retry_after`` in seconds where the
           same may be sent again: rate_limited, overloaded, unavailable. Not again: unprocessable, invalid_id, …
=========  =====================================================================================================

The client sends ``entry`` with an ``id`` of its own (1 to 64 characters, unique in the stream) and the app's fields.
static/channels_live/resumable_connection.js and outbox.js are a client.
"""

import json
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from channels_live.journal.errors import InvalidInput
from channels_live.journal.models import MAX_ID_CHARS, Entry

JOURNAL_V1 = "journal.v1"
"""The name of the protocol, which is a subprotocol of the WebSocket too."""
# Of a sequence number; longer ones are beyond what the journal can count to.
MAX_DIGITS = 18


def encode(content: Mapping[str, Any]) -> str:
    """Return JSON in which only that is escaped which must be (RFC 8259, section 7).

    Escaped, an emoji has 12 bytes instead of 4. Texts must be without halves of surrogate pairs, which have no UTF-8.
    Not for the inside of HTML.
    """
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def timestamp(moment: datetime) -> str:
    """Return a time in UTC as clients get it: RFC 3339 with milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry_frames(entry: Entry, content: Mapping[str, Any]) -> dict[str, str]:
    """Return the frame of an entry by its protocol; ``content`` are the app's own fields, as JSON has them."""
    frame = {"type": "entry", "seq": entry.seq, "id": entry.client_id, "sent_at": timestamp(entry.sent_at), **content}
    return {JOURNAL_V1: encode(frame)}


def parse_object(frame: str | None) -> dict[str, Any]:
    """Return the object of a text frame; ``None`` stands for a binary frame.

    Raises InvalidInput with the code ``text_expected``, ``invalid_json`` or ``invalid_frame``.
    """
    if frame is None:
        raise InvalidInput("text_expected", "Expected a text frame, got a binary one.")
    try:
        content = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("invalid_json", "Expected JSON.") from error
    if not isinstance(content, dict):
        raise InvalidInput("invalid_frame", "Expected a JSON object.")
    # Only an escape can make half of a pair.
    if "\\u" in frame and has_surrogate(encode(content)):
        raise InvalidInput("invalid_frame", "Half of a surrogate pair is not text.")
    return content


def has_surrogate(text: str) -> bool:
    """Whether there is half of a surrogate pair in a text, which has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def check_fields(content: Mapping[str, Any], *allowed: str) -> None:
    """Raise InvalidInput with the code ``unknown_field`` where there is another field than these."""
    for field in content:
        if field not in allowed:
            raise InvalidInput("unknown_field", f"{field[:MAX_ID_CHARS]!a}: unknown; expected {', '.join(allowed)}.")


def check_id(value: object) -> str:
    """Return the client's id of an entry; raises InvalidInput with the code ``invalid_id``."""
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= MAX_ID_CHARS
        or any(unicodedata.category(character) in {"Cc", "Cs"} for character in value)
    ):
        raise InvalidInput(
            "invalid_id", f"id: expected a string of 1 to {MAX_ID_CHARS} characters without control characters."
        )
    return value


def parse_after(query: Mapping[str, list[str]]) -> int | None:
    """Return the number of ``?after=``, None without one.

    Raises InvalidInput with the code ``invalid_after`` for anything else.
    """
    values = query.get("after")
    if values is None:
        return None
    if not values[-1].isascii() or not values[-1].isdecimal() or len(values[-1]) > MAX_DIGITS:
        raise InvalidInput("invalid_after", "after: expected the number of the last entry you have.")
    return int(values[-1])
