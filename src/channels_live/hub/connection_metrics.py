from channels_live.layers.availability import Counters
from channels_live.observability import metrics


class ConnectionMetrics(Counters):
    """What ws counts of its channel layer, as Prometheus metrics (docs/operations.md)."""

    def set_up(self, is_up: bool) -> None:
        metrics.CHANNEL_LAYER_UP.set(is_up)

    def failed(self) -> None:
        metrics.CHANNEL_LAYER_ERRORS.inc()

    def queued(self, messages: int) -> None:
        metrics.CHANNEL_LAYER_QUEUE.inc(messages)

    def dropped(self, messages: int) -> None:
        metrics.CHANNEL_LAYER_DROPPED.inc(messages)

    def sent(self, messages: int) -> None:
        metrics.CHANNEL_LAYER_SENT.inc(messages)

    def observe_send(self, seconds: float) -> None:
        metrics.CHANNEL_LAYER_SEND_DURATION.observe(seconds)
