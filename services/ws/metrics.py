"""What ``/metrics`` of ws says, in Prometheus' text format."""

from prometheus_client import Counter, Gauge, generate_latest

CHANNEL_LAYER_UP = Gauge(
    "channel_layer_up", "1 while this process hears itself through Redis; 0 while members are served by polling."
)
CHANNEL_LAYER_ERRORS = Counter("channel_layer_errors", "Failed or timed-out calls of the channel layer.")
GAPS = Counter("hub_gaps", "Gaps in the numbers of a topic that were read from the journal.")


def exposition() -> bytes:
    """Return all metrics of the process."""
    return generate_latest()
