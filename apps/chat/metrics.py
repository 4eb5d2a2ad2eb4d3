"""What the chat adds to ``/metrics`` of ws."""

from prometheus_client import Counter

from channels_live.close_codes import CloseCode
from channels_live.server import register_close_codes, register_limits, register_results

INVALID = Counter(
    "chat_invalid_frames", "Frames rejected by a room as invalid, by the error code that the client received.", ["code"]
)
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
# Why a frame is rejected, beside the limits of every JournalConsumer: the rate of a user or room, of typing or history.
LIMITS = ("user", "room", "typing", "history")

register_results("forbidden")
register_limits(*LIMITS)
register_close_codes(CloseCode.FORBIDDEN)
for _code in INVALID_CODES:
    INVALID.labels(_code)
