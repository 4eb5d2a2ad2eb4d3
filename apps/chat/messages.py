"""What a member may send in the tutorial's protocol: ``{"message": "text"}``."""

import json

from django.conf import settings


class InvalidMessage(Exception):
    """A message that is not passed on. ``code`` is for programs, ``detail`` says what was expected."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def parse_message(frame: str | None) -> str:
    """Return the text of a text frame; ``None`` stands for a binary frame.

    Raises InvalidMessage with the code ``text_expected``, ``invalid_json``, ``invalid_message`` or ``too_long``.
    """
    if frame is None:
        raise InvalidMessage("text_expected", "Expected a text frame, got a binary one.")
    try:
        content = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise InvalidMessage("invalid_json", 'Expected JSON such as {"message": "hello"}.') from error
    if not isinstance(content, dict):
        raise InvalidMessage("invalid_message", 'Expected a JSON object such as {"message": "hello"}.')
    if "message" not in content:
        raise InvalidMessage("invalid_message", "message: missing; expected a string.")
    text = content["message"]
    if not isinstance(text, str):
        raise InvalidMessage("invalid_message", "message: expected a string.")
    if len(text) > settings.MESSAGE_MAX_CHARS:
        raise InvalidMessage("too_long", f"message: expected at most {settings.MESSAGE_MAX_CHARS} characters.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidMessage("invalid_message", "message: half of a surrogate pair is not text.") from error
    return text
