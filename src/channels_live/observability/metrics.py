"""The server's metrics, in Prometheus' text format.

docs/operations.md describes each. Labels have a fixed set of values: never a topic or a user. An app registers the
values that it adds (``register_results``, ``register_limits``, ``register_close_codes``), and defines further metrics
of its own with prometheus_client.
"""

import time
from collections.abc import Iterator

from prometheus_client import REGISTRY, Counter, Enum, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from channels_live.close_codes import CloseCode
from channels_live.observability.losses import losses

# Results of a handshake: accepted, or why it was refused. origin: the Origin header is not allowed. auth: login
# required, or an invalid token. session: this process cannot verify it. not_found: no such address. overloaded:
# MAX_SOCKETS. sockets_per_user: MAX_SOCKETS_PER_USER. unavailable: the database does not answer. rejected: the consumer
# closed before it accepted. timeout: HANDSHAKE_TIMEOUT. error: an exception. What exceeds a limit per address, nginx
# refuses and counts.
RESULTS = (
    "accepted",
    "origin",
    "auth",
    "session",
    "not_found",
    "overloaded",
    "sockets_per_user",
    "unavailable",
    "rejected",
    "timeout",
    "error",
)
# Limits of frames from clients. ping: the rate of pings and pongs.
LIMITS = ("ping",)
# What ended the response to an HTTP request: the application (finished), the client, the drain, its age
# (MAX_CONNECTION_AGE), a revocation, a client that read nothing (slow), an exception or an incomplete response (error).
HTTP_ENDS = ("finished", "client", "drain", "age", "revoked", "slow", "error")
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# Sockets
SOCKETS = Gauge("websocket_connections", "Open sockets.")
HANDSHAKES = Counter("websocket_handshakes", "WebSocket handshakes, by result.", ["result"])
HANDSHAKES_WAITING = Gauge(
    "websocket_handshakes_waiting", "Handshakes that wait because MAX_HANDSHAKES are in progress."
)
CLOSES = Counter("websocket_closes", "Sockets closed, by close code.", ["code"])
FRAMES_RECEIVED = Counter("websocket_frames_received", "Data frames from clients.")
FRAMES_SENT = Counter("websocket_frames_sent", "Data frames to clients.")
BYTES_RECEIVED = Counter("websocket_received_bytes", "Payload bytes from clients.")
BYTES_SENT = Counter("websocket_sent_bytes", "Bytes of data frames to clients.")
SLOW_CLOSED = Counter("websocket_slow_closed", "Sockets closed with 1013 because their client read too slowly.")
REFUSED = Counter(
    "websocket_refused_frames", "Frames from clients rejected or dropped, by the limit that they exceeded.", ["limit"]
)
ABUSIVE_CLOSED = Counter("websocket_abusive_closed", "Sockets closed with 1008 after too many rejected frames.")

# HTTP responses of consumers, such as event streams; the server's own endpoints are not counted.
HTTP_OPEN = Gauge("http_streams", "Open HTTP responses of consumers, such as event streams.")
HTTP_REQUESTS = Counter("http_stream_requests", "HTTP requests to consumers, by result.", ["result"])
HTTP_CLOSES = Counter("http_stream_closes", "Ended HTTP responses of consumers, by cause.", ["by"])

# Hub
MEMBERS = Gauge("hub_members", "Members of all topics in this process.")
TOPICS = Gauge("hub_topics", "Topics with members in this process.")
DELIVERY_DURATION = Histogram(
    "hub_delivery_duration_seconds",
    "Time from publishing an event, in any process, until it is written to the sockets of this process.",
    buckets=LATENCY_BUCKETS,
)
GAPS = Counter("hub_gaps", "Gaps found in the sequence numbers of a topic.")
GAPS_REPAIRED = Counter("hub_gaps_repaired", "Gaps filled from the journal.")
POLLING_REPAIRS = Counter("hub_polling_repairs", "Times that polling found a topic behind its journal.")
REWINDS = Counter(
    "hub_rewinds", "Times that a topic was ahead of its journal; its members were closed with 1012 and reset."
)

# Channel layer
CHANNEL_LAYER_UP = Gauge(
    "channel_layer_up",
    "1 while this process receives its own heartbeats through Redis; 0 while it delivers by polling.",
)
CHANNEL_LAYER_ERRORS = Counter("channel_layer_errors", "Failed or timed-out calls of the channel layer.")
CHANNEL_LAYER_SENT = Counter("channel_layer_messages_sent", "Messages sent to groups.")
CHANNEL_LAYER_RECEIVED = Counter("channel_layer_messages_received", "Messages received from groups.")
CHANNEL_LAYER_DROPPED = Counter(
    "channel_layer_messages_dropped", "Messages not sent to a group because the queue was full."
)
CHANNEL_LAYER_QUEUE = Gauge("channel_layer_queue_messages", "Messages waiting to be sent to a group.")
CHANNEL_LAYER_SEND_DURATION = Histogram(
    "channel_layer_send_duration_seconds", "Duration of one send to a group.", buckets=LATENCY_BUCKETS
)


class _Losses(Collector):
    """What was lost while Redis was away: to hubs until they read the journal, to groups of consumers for good."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        yield CounterMetricFamily(
            "channel_layer_sends_failed",
            "Messages that Redis did not take; their senders got an exception.",
            losses.sends,
        )
        yield CounterMetricFamily(
            "channel_layer_interruptions",
            "Times at which a connection to Redis ended over which messages are received.",
            losses.interruptions,
        )


REGISTRY.register(_Losses())
PRESENCE_SENT = Counter("presence_announcements_sent", "Presence announcements sent by this process.")
PRESENCE_RECEIVED = Counter("presence_announcements_received", "Presence announcements received from other processes.")

# Process
EVENT_LOOP_LAG = Histogram(
    "event_loop_lag_seconds",
    "Delay with which the event loop runs a timer, measured twice per second.",
    buckets=LATENCY_BUCKETS,
)
DRAIN_STATE = Enum(
    "drain_state",
    "serving; announced: readiness fails, handshakes are still accepted; draining: closing the sockets.",
    states=["serving", "announced", "draining"],
)

# Revocations
REVOCATION_READ_ERRORS = Counter(
    "revocation_read_errors", "Failed reads of the revocation table; the next follows after two seconds."
)
REVOKED_SOCKETS = Counter("websocket_revoked", "Sockets that a revocation affected.")

_close_codes: set[int] = set()


def register_results(*results: str) -> None:
    """Expose results with which an app refuses handshakes and HTTP requests; see channels_live.server.log_refusal.

    From now on: a series that appears only with its first event has no rate before the second.
    """
    for result in results:
        HANDSHAKES.labels(result)
        HTTP_REQUESTS.labels(result)


def register_limits(*limits: str) -> None:
    """Expose limits with which an app refuses frames; see ``refuse`` of channels_live.server.protocol."""
    for limit in limits:
        REFUSED.labels(limit)


def register_close_codes(*codes: int) -> None:
    """Count sockets that are closed with these codes each under its own label; others are counted as ``other``."""
    for code in codes:
        _close_codes.add(int(code))
        CLOSES.labels(int(code))


register_results(*RESULTS)
register_limits(*LIMITS)
# An app that closes with FORBIDDEN registers it, as all others from 4000 on.
register_close_codes(*(code for code in CloseCode if code is not CloseCode.FORBIDDEN))
CLOSES.labels("other")
for _end in HTTP_ENDS:
    HTTP_CLOSES.labels(_end)


def count_close(code: int | None) -> None:
    """Count a closed socket; None is a connection that ended without a close frame."""
    code = CloseCode.ABNORMAL_CLOSURE.value if code is None else code
    CLOSES.labels(code if code in _close_codes else "other").inc()


def count_sent(frames: int, size: int) -> None:
    """Count data frames to clients, and their bytes together."""
    FRAMES_SENT.inc(frames)
    BYTES_SENT.inc(size)


def observe_delivery(published_at: float | None) -> None:
    """Count an event as delivered now. ``published_at`` is its Unix time, None where the event has none.

    The clocks of two machines differ: what seems to arrive before it was sent counts as 0.
    """
    if published_at is not None:
        DELIVERY_DURATION.observe(max(0.0, time.time() - published_at))


def exposition() -> bytes:
    """Return all metrics of the process."""
    return generate_latest()
