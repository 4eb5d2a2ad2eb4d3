"""Base classes of WebSocket consumers."""

from channels_live.consumers.direct import DirectConsumer

__all__ = ["DirectConsumer"]
