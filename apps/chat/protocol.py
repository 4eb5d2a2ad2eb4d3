"""The frames of the chat's protocols. docs/protocol.md is the specification.

``""`` is the tutorial's protocol. The HTTP API has the messages of ``chat.v1``. A frame that many members receive is
JSON text, encoded once for all of them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels_live.journal import InvalidInput, check_fields, check_id, encode, has_surrogate, timestamp
from chat.conf import chat_settings
from chat.models import Message
from chat.text import clean, is_empty

TUTORIAL = ""
CHAT_V1 = "chat.v1"
HISTORY_DEFAULT, HISTORY_MAX = 50, 200
# Beyond every number: without ``before``, history begins with the newest message.
NEWEST = 2**62
# The ``detail`` of an error by its code. It is for developers, and in English.
DETAILS: Mapping[str, str] = {
    "rate_limited": "Too many messages at once.",
    "overloaded": "Too many messages are waiting for the database.",
    "unavailable": "The message was not stored: the database is unavailable.",
    "unprocessable": "The database cannot store this message; do not send it again.",
    "invalid_id": "id: another message of this room has it; send with a new one.",
    "invalid_after": "after: expected the number of the last message you have.",
}


@dataclass(frozen=True, slots=True)
class MessageFrame:
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class HistoryFrame:
    before: int
    limit: int


@dataclass(frozen=True, slots=True)
class TypingFrame:
    pass


# What clients send


def parse_frame(frame: str | None) -> MessageFrame | HistoryFrame | TypingFrame:
    """Return the content of a text frame of ``chat.v1``; ``None`` stands for a binary frame. Raises InvalidInput."""
    if frame is None:
        raise _text_expected()
    content = parse_object(frame)
    match content.get("type"):
        case "message":
            message_id = check_id(content.get("id"))
            try:
                check_fields(content, "type", "id", "message")
                return MessageFrame(message_id, check_text(content.get("message")))
            except InvalidInput as error:
                error.entry_id = message_id
                raise
        case "history":
            check_fields(content, "type", "before", "limit")
            return HistoryFrame(
                _number(content, "before", NEWEST, None), _number(content, "limit", HISTORY_DEFAULT, HISTORY_MAX)
            )
        case "typing":
            check_fields(content, "type")
            return TypingFrame()
    raise InvalidInput("unknown_type", "type: expected message, history or typing.")


def parse_tutorial_frame(frame: str | None) -> str:
    """Return the text of the tutorial's text frame ``{"message": "text"}``; ``None`` stands for a binary frame.

    Raises InvalidInput with the code ``text_expected``, ``invalid_json``, ``invalid_message`` or ``too_long``.
    """
    if frame is None:
        raise _text_expected()
    return check_text(parse_object(frame).get("message"))


def parse_object(source: str | bytes) -> dict[str, Any]:
    """Return a JSON object; raises InvalidInput with the code ``invalid_json`` or ``invalid_message``."""
    try:
        content = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("invalid_json", 'Expected JSON such as {"message": "hello"}.') from error
    if not isinstance(content, dict):
        raise InvalidInput("invalid_message", 'Expected a JSON object such as {"message": "hello"}.')
    return content


def check_text(value: object) -> str:
    """Return the text to store and to pass on, see chat.text; ``None`` stands for a missing one.

    Raises InvalidInput with the code ``invalid_message``, ``empty`` or ``too_long``; it is counted as it is stored.
    """
    if value is None:
        raise InvalidInput("invalid_message", "message: missing; expected a string.")
    if not isinstance(value, str):
        raise InvalidInput("invalid_message", "message: expected a string.")
    if has_surrogate(value):
        raise InvalidInput("invalid_message", "message: half of a surrogate pair is not text.")
    text = clean(value)
    if len(text) > chat_settings.MESSAGE_MAX_CHARS:
        raise InvalidInput("too_long", f"message: expected at most {chat_settings.MESSAGE_MAX_CHARS} characters.")
    if is_empty(text):
        raise InvalidInput("empty", "message: expected at least one visible character.")
    return text


def _text_expected() -> InvalidInput:
    return InvalidInput("text_expected", "Expected a text frame, got a binary one.")


def _number(content: Mapping[str, Any], field: str, default: int, most: int | None) -> int:
    value = content.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1 or (most is not None and value > most):
        limit = "1 or more" if most is None else f"1 to {most}"
        raise InvalidInput("invalid_history", f"{field}: expected a whole number, {limit}.")
    return value


# What clients get


def message_json(message: Message) -> dict[str, Any]:
    """Return the message of ``chat.v1`` and of the HTTP API. A removed one has ``removed`` instead of its text."""
    content: dict[str, Any] = {
        "seq": message.seq,
        "id": message.client_id,
        "message": "" if message.is_removed else message.text,
        "author": message.author,
        "sent_at": timestamp(message.sent_at),
    }
    if message.is_removed:
        content["removed"] = True
    return content


def message_frames(message: Message) -> dict[str, str]:
    """Return the frame of each protocol. The tutorial's has no word for a removed message: no frame for it."""
    frames = {CHAT_V1: encode({"type": "message", **message_json(message)})}
    if not message.is_removed:
        frames[TUTORIAL] = encode({"message": message.text})
    return frames


def removed_frames(seq: int) -> dict[str, str]:
    """Return the frames by which open pages remove the text of a message."""
    return {CHAT_V1: encode({"type": "removed", "seq": seq})}


def typing_frames(author: str) -> dict[str, str]:
    """Return the frames of a member who is typing."""
    return {CHAT_V1: encode({"type": "typing", "author": author})}


def presence_frames(count: int, members: list[str]) -> dict[str, str]:
    """Return the frames with the number of people in the room, and some of their names."""
    return {CHAT_V1: encode({"type": "presence", "count": count, "members": members})}
