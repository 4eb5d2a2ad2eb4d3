"""Closes many sockets at a rate, so that those who come back are not all there in the same moment."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Protocol

CLOSES_PER_SECOND = 1000
STEP_SECONDS = 0.05


class Socket(Protocol):
    """See channels_live.server.protocol."""

    def close_gracefully(self, code: int) -> None:
        """Close once what the client has sent is answered."""


class GradualClose:
    """Closes sockets with one code, the first at once."""

    def __init__(self, code: int) -> None:
        self._code = code
        self._waiting: deque[Socket] = deque()
        self._task: asyncio.Task[None] | None = None

    def add(self, sockets: Iterable[Socket]) -> None:
        """Close these after those that wait already."""
        self._waiting.extend(sockets)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._close_all())

    async def _close_all(self) -> None:
        while self._waiting:
            for _ in range(min(len(self._waiting), round(CLOSES_PER_SECOND * STEP_SECONDS))):
                self._waiting.popleft().close_gracefully(self._code)
            await asyncio.sleep(STEP_SECONDS)
