"""What the chat adds to ``/metrics`` of ws."""

from prometheus_client import Counter, Gauge, Histogram

from channels_live.close_codes import CloseCode
from channels_live.server import register_close_codes, register_limits, register_results

JOURNAL_COMMIT_DURATION = Histogram(
    "journal_commit_duration_seconds",
    "Time of one group commit, from handing it to the database thread.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
JOURNAL_BATCH = Histogram(
    "journal_batch_messages", "Messages in one group commit.", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500)
)
JOURNAL_QUEUE = Gauge("journal_queue_messages", "Messages that wait for the next group commit.")
JOURNAL_REFUSED = Counter("journal_refused_messages", "Messages not stored, by what the sender was told.", ["reason"])
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
# What refuses a frame: the rate of its socket, user or room; that of typing or history; or it is an invalid one.
LIMITS = ("member", "user", "room", "typing", "history", "wrong")

register_results("forbidden")
register_limits(*LIMITS)
register_close_codes(CloseCode.FORBIDDEN)
for _code in INVALID_CODES:
    INVALID.labels(_code)
for _reason in ("overloaded", "unavailable", "unprocessable"):
    JOURNAL_REFUSED.labels(_reason)
