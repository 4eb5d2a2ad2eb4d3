"""Whether the channel layer is available to this process: decided, logged and counted here only."""

import logging
from collections.abc import Callable

from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# What a channel layer raises while Redis does not answer.
CHANNEL_LAYER_ERRORS = (RedisError, OSError, TimeoutError)


class Counters:
    """What a process counts of its channel layer. This one counts nothing; ws exports them as metrics."""

    def set_up(self, is_up: bool) -> None:
        """Note whether the channel layer is available."""

    def failed(self) -> None:
        """Count a call that failed or timed out."""

    def queued(self, messages: int) -> None:
        """Add to the number of waiting messages; negative when they leave the queue."""

    def dropped(self, messages: int) -> None:
        """Count messages dropped because too many waited."""

    def sent(self, messages: int) -> None:
        """Count messages sent to a group."""

    def observe_send(self, seconds: float) -> None:
        """Note how long one send took, whether it succeeded or not."""


class Availability:
    """Remembers whether the channel layer is up, and logs each change once.

    ``on_change`` is called after each change; ``counters`` are told of each failure and each change.
    """

    def __init__(self, counters: Counters, on_change: Callable[[], None] = lambda: None) -> None:
        self._counters = counters
        self._on_change = on_change
        self.is_up = True
        counters.set_up(True)

    def failed(self, error: BaseException) -> None:
        """Take the channel layer for unavailable, because a call failed or timed out."""
        self._counters.failed()
        if self.is_up:
            reason = f"{type(error).__name__} {error}".strip()
            logger.warning("Channel layer unavailable, falling back to polling: %s", reason)
            self._set(False)

    def recovered(self) -> None:
        """Take the channel layer for available."""
        if not self.is_up:
            logger.warning("Channel layer available again")
            self._set(True)

    def _set(self, is_up: bool) -> None:
        self.is_up = is_up
        self._counters.set_up(is_up)
        self._on_change()
