"""What a client of ``chat.v1`` may send; docs/protocol.md is the specification."""

from dataclasses import dataclass
from typing import Any

from chat.messages import InvalidMessage, check_fields, check_id, check_text, parse_object

HISTORY_DEFAULT, HISTORY_MAX = 50, 200
# Beyond every number: without ``before``, history begins with the newest message.
NEWEST = 2**62


class InvalidFrame(InvalidMessage):
    """A wrong frame of a message whose ``id`` is known, so that the sender learns which one it was."""

    def __init__(self, error: InvalidMessage, message_id: str) -> None:
        super().__init__(error.code, error.detail)
        self.message_id = message_id


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


def parse_frame(frame: str | None) -> MessageFrame | HistoryFrame | TypingFrame:
    """Return what a text frame says; ``None`` stands for a binary frame. Raises InvalidMessage."""
    if frame is None:
        raise InvalidMessage("text_expected", "Expected a text frame, got a binary one.")
    content = parse_object(frame)
    match content.get("type"):
        case "message":
            message_id = check_id(content.get("id"))
            try:
                check_fields(content, "type", "id", "message")
                return MessageFrame(message_id, check_text(content.get("message")))
            except InvalidMessage as error:
                raise InvalidFrame(error, message_id) from error
        case "history":
            check_fields(content, "type", "before", "limit")
            return HistoryFrame(
                _number(content, "before", NEWEST, None), _number(content, "limit", HISTORY_DEFAULT, HISTORY_MAX)
            )
        case "typing":
            check_fields(content, "type")
            return TypingFrame()
    raise InvalidMessage("unknown_type", "type: expected message, history or typing.")


def _number(content: dict[str, Any], field: str, default: int, most: int | None) -> int:
    value = content.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1 or (most is not None and value > most):
        limit = "1 or more" if most is None else f"1 to {most}"
        raise InvalidMessage("invalid_history", f"{field}: expected a whole number, {limit}.")
    return value


def parse_after(query: dict[str, list[str]]) -> int | None:
    """Return the number of ``?after=``, None without one; raises InvalidMessage for anything else."""
    values = query.get("after")
    if values is None:
        return None
    # Longer ones are beyond what the journal can count to.
    if not values[-1].isascii() or not values[-1].isdecimal() or len(values[-1]) > 18:
        raise InvalidMessage("invalid_after", "after: expected the number of the last message you have.")
    return int(values[-1])
