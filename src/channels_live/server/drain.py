"""The end of a ws process: nobody is cut off, and not all come back at once.

Members are closed evenly over some seconds, so the other processes see a slope of reconnects, and not a wall.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from channels_live.observability import metrics
from channels_live.server.registry import SERVICE_RESTART, OpenSockets

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.05
# Together less than the 10 s that a container has beyond its drain: for what members have sent to be committed, for
# the close frames to be answered, and for the disconnect handlers of those who did not answer.
WORK_SECONDS, ANSWER_SECONDS, HANDLER_SECONDS = 3.0, 3.0, 1.0

# What is done when the last socket is gone, such as to withdraw presence; see at_the_end.
_endings: list[Callable[[], Awaitable[None]]] = []


def at_the_end(ending: Callable[[], Awaitable[None]]) -> None:
    """Have a coroutine function called once the process has no sockets and no work left; the last one first."""
    _endings.append(ending)


class Drain:
    """Closes the sockets with 1012, evenly over ``seconds``, ``delay`` seconds after readiness was withdrawn.

    ``sockets`` are the open ones, ``is_busy`` says whether any is left, or anything is done for one. ``is_over`` says
    that a socket that comes now has to be closed by who takes it in.
    """

    def __init__(self, sockets: OpenSockets, is_busy: Callable[[], bool], delay: float, seconds: float) -> None:
        self._sockets = sockets
        self._is_busy = is_busy
        self._delay = delay
        self._seconds = seconds
        self._hurry = asyncio.Event()
        self.is_over = False

    def hurry(self) -> None:
        """Close all that are left now."""
        self._hurry.set()

    async def run(self, stop_listening: Callable[[], Awaitable[None]]) -> None:
        """Return when every socket is closed, or when its client has not answered in time."""
        metrics.DRAIN_STATE.state("announced")
        logger.info("Draining %d sockets", len(self._sockets))
        await self._wait(self._delay)
        metrics.DRAIN_STATE.state("draining")
        await stop_listening()
        await self._close_evenly()
        self.is_over = True
        await self._farewell()
        for ending in reversed(_endings):
            await ending()
        logger.info("Drained")

    async def _close_evenly(self) -> None:
        begun = time.monotonic()
        asked: set[object] = set()
        while waiting := [socket for socket in self._sockets if socket not in asked]:
            left = 0.0 if self._hurry.is_set() else max(0.0, begun + self._seconds - time.monotonic())
            share = 1 - left / self._seconds if left else 1.0
            due = math.ceil(share * (len(asked) + len(waiting))) - len(asked)
            for socket in waiting[: max(0, due)]:
                asked.add(socket)
                socket.close_after_work(SERVICE_RESTART)
            await self._wait(min(STEP_SECONDS, left))

    async def _farewell(self) -> None:
        await self._until_idle(WORK_SECONDS)
        # Whose message the database has not answered: it is sent again under its id, wherever its sender goes.
        for socket in tuple(self._sockets):
            socket.close(SERVICE_RESTART)
        await self._until_idle(ANSWER_SECONDS)
        for socket in tuple(self._sockets):
            socket.dropConnection(abort=True)
        await self._until_idle(HANDLER_SECONDS)

    async def _until_idle(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._is_busy() and time.monotonic() < deadline:  # noqa: ASYNC110  # sockets and tasks
            await asyncio.sleep(STEP_SECONDS)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            pass
