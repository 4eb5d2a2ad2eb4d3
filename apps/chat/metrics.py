"""What the chat adds to ``/metrics`` of ws."""

from prometheus_client import Counter

INVALID = Counter("chat_invalid_frames", "Frames that a room answered with an error, by its code.", ["code"])
# docs/protocol.md explains them.
INVALID_CODES = (
    "text_expected",
    "invalid_json",
    "invalid_message",
    "unknown_type",
    "unknown_field",
    "invalid_id",
    "invalid_history",
    "empty",
    "too_long",
)
for _code in INVALID_CODES:
    INVALID.labels(_code)
