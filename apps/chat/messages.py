"""What a member may send: the checks that both WebSocket protocols and the HTTP API share."""

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from chat.conf import chat_settings
from chat.text import clean, is_empty

MAX_ID_CHARS = 64


class InvalidMessage(Exception):
    """A message that is not passed on. ``code`` is for programs, ``detail`` says what was expected."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def parse_message(frame: str | None) -> str:
    """Return the text of the tutorial's text frame ``{"message": "text"}``; ``None`` stands for a binary frame.

    Raises InvalidMessage with the code ``text_expected``, ``invalid_json``, ``invalid_message`` or ``too_long``.
    """
    if frame is None:
        raise InvalidMessage("text_expected", "Expected a text frame, got a binary one.")
    return check_text(parse_object(frame).get("message"))


def parse_object(source: str | bytes) -> dict[str, Any]:
    """Return a JSON object; raises InvalidMessage with the code ``invalid_json`` or ``invalid_message``."""
    try:
        content = json.loads(source)
    except (ValueError, RecursionError) as error:
        raise InvalidMessage("invalid_json", 'Expected JSON such as {"message": "hello"}.') from error
    if not isinstance(content, dict):
        raise InvalidMessage("invalid_message", 'Expected a JSON object such as {"message": "hello"}.')
    return content


def check_fields(content: Mapping[str, Any], *allowed: str) -> None:
    """Raise InvalidMessage with the code ``unknown_field`` where there is another field than these."""
    for field in content:
        if field not in allowed:
            raise InvalidMessage("unknown_field", f"{field[:MAX_ID_CHARS]!a}: unknown; expected {', '.join(allowed)}.")


def check_text(value: object) -> str:
    """Return the text to store and to pass on, see chat.text; ``None`` stands for a missing one.

    Raises InvalidMessage with the code ``invalid_message``, ``empty`` or ``too_long``; it is counted as it is stored.
    """
    if value is None:
        raise InvalidMessage("invalid_message", "message: missing; expected a string.")
    if not isinstance(value, str):
        raise InvalidMessage("invalid_message", "message: expected a string.")
    if _has_surrogate(value):
        raise InvalidMessage("invalid_message", "message: half of a surrogate pair is not text.")
    text = clean(value)
    if len(text) > chat_settings.MESSAGE_MAX_CHARS:
        raise InvalidMessage("too_long", f"message: expected at most {chat_settings.MESSAGE_MAX_CHARS} characters.")
    if is_empty(text):
        raise InvalidMessage("empty", "message: expected something that can be seen.")
    return text


def check_id(value: object) -> str:
    """Return the client's id of a message; raises InvalidMessage with the code ``invalid_id``."""
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= MAX_ID_CHARS
        or any(unicodedata.category(character) in {"Cc", "Cs"} for character in value)
    ):
        raise InvalidMessage(
            "invalid_id", f"id: expected a string of 1 to {MAX_ID_CHARS} characters without control characters."
        )
    return value


def id_taken() -> InvalidMessage:
    """Return the error of a message whose id another message of the room has."""
    return InvalidMessage("invalid_id", "id: another message of this room has it; send with a new one.")


def _has_surrogate(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False
