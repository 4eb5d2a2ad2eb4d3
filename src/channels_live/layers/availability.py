"""Whether the channel layer is available to this process: decided, logged and counted here only."""

import logging
from collections.abc import Callable

from channels_live.layers.counters import Counters

logger = logging.getLogger(__name__)


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
