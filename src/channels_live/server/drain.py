"""Graceful shutdown: every client is closed with 1012, and not all reconnect at once.

Sockets are closed evenly over some seconds, so that reconnects are spread over time too.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from channels_live.close_codes import CloseCode
from channels_live.observability import metrics
from channels_live.server.registry import Registry

logger = logging.getLogger(__name__)

STEP_SECONDS = 0.05
# Together less than the 10 s that a container has beyond its drain: for what clients have sent to be committed, for
# the close frames to be answered, and for the disconnect handlers of the clients that did not answer.
PENDING_TASKS_SECONDS, ANSWER_SECONDS, HANDLER_SECONDS = 3.0, 3.0, 1.0

_shutdown_hooks: list[Callable[[], Awaitable[None]]] = []


def add_shutdown_hook(hook: Callable[[], Awaitable[None]]) -> None:
    """Have a coroutine function called when the process stops and has no sockets left, such as to withdraw presence.

    Hooks run one after the other, the one added last runs first.
    """
    _shutdown_hooks.append(hook)


class Drain:
    """Closes the sockets with 1012, evenly over ``seconds``, ``delay`` seconds after readiness was withdrawn.

    ``sockets`` are the open ones. ``is_busy`` says whether any socket, handshake or task for one is left. Once
    ``is_over``, a socket whose handshake ends has to be closed by its server.
    """

    def __init__(self, sockets: Registry, is_busy: Callable[[], bool], delay: float, seconds: float) -> None:
        self._sockets = sockets
        self._is_busy = is_busy
        self._delay = delay
        self._seconds = seconds
        self._is_expedited = asyncio.Event()
        self.is_over = False

    def expedite(self) -> None:
        """Close all remaining sockets now."""
        self._is_expedited.set()

    async def run(self, stop_listening: Callable[[], Awaitable[None]]) -> None:
        """Return when every socket is closed; those whose clients do not answer in time are dropped."""
        metrics.DRAIN_STATE.state("announced")
        logger.info("Draining %d sockets", len(self._sockets))
        await self._wait(self._delay)
        metrics.DRAIN_STATE.state("draining")
        await stop_listening()
        await self._close_evenly()
        self.is_over = True
        await self._close_remaining()
        for hook in reversed(_shutdown_hooks):
            await hook()
        logger.info("Drained")

    async def _close_evenly(self) -> None:
        started_at = time.monotonic()
        closing: set[object] = set()
        while remaining := [socket for socket in self._sockets if socket not in closing]:
            left = 0.0 if self._is_expedited.is_set() else max(0.0, started_at + self._seconds - time.monotonic())
            share = 1 - left / self._seconds if left else 1.0
            due = math.ceil(share * (len(closing) + len(remaining))) - len(closing)
            for socket in remaining[: max(0, due)]:
                closing.add(socket)
                socket.close_gracefully(CloseCode.SERVICE_RESTART)
            await self._wait(min(STEP_SECONDS, left))

    async def _close_remaining(self) -> None:
        await self._until_idle(PENDING_TASKS_SECONDS)
        # The database has not answered these. Their clients send again under the same ids, to another process.
        for socket in tuple(self._sockets):
            socket.close(CloseCode.SERVICE_RESTART)
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
                await self._is_expedited.wait()
        except TimeoutError:
            pass
