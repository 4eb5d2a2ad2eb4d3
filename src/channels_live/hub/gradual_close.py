"""Closes many sockets at a rate, so that their clients do not all reconnect in the same moment."""

import asyncio
from collections import deque
from collections.abc import Iterable

from channels_live.hub.members import Socket

CLOSES_PER_SECOND = 1000
STEP_SECONDS = 0.05


class GradualClose:
    """Closes sockets with one close code, at most ``closes_per_second``; the first at once."""

    def __init__(self, code: int, *, closes_per_second: float = CLOSES_PER_SECOND) -> None:
        self._code = code
        self._closes_per_step = round(closes_per_second * STEP_SECONDS)
        self._waiting: deque[Socket] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, sockets: Iterable[Socket]) -> None:
        """Close these after those that wait already."""
        self._waiting.extend(sockets)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._close_all())

    async def _close_all(self) -> None:
        while self._waiting:
            for _ in range(min(len(self._waiting), self._closes_per_step)):
                self._waiting.popleft().close_gracefully(self._code)
            await asyncio.sleep(STEP_SECONDS)
