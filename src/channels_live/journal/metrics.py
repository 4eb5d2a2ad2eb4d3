"""Metrics of the journals of a ws process. web appends without a queue, and has none of them."""

from prometheus_client import Counter, Gauge, Histogram

COMMIT_DURATION = Histogram(
    "journal_commit_duration_seconds",
    "Duration of one group commit, including the wait for the database thread.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BATCH = Histogram(
    "journal_batch_messages", "Messages in one group commit.", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500)
)
QUEUE = Gauge("journal_queue_messages", "Messages waiting for the next group commit.")
REFUSED = Counter(
    "journal_refused_messages", "Messages not stored, by the error code that the sender received.", ["reason"]
)
# A series that appears only with its first event has no rate before the second.
for _reason in ("overloaded", "unavailable", "unprocessable"):
    REFUSED.labels(_reason)
