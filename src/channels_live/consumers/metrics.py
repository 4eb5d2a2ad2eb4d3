"""What a process counts of the consumers that have channels and groups (docs/operations.md)."""

from prometheus_client import Counter

EVENTS = Counter("consumer_events", "Events of the channel layer given to the handlers of consumers.")
EVENTS_DROPPED = Counter("consumer_events_dropped", "Events dropped because too many waited for handlers.")
OVERLOADED_CLOSED = Counter(
    "consumer_overloaded_closed", "Sockets closed because too many events waited for their consumer's handlers."
)
