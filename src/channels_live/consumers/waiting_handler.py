"""A handler that waits: for how long it may keep what comes after it."""

import asyncio
from typing import TYPE_CHECKING

from channels_live.close_codes import CloseCode

if TYPE_CHECKING:
    from channels_live.server.protocol import WebSocketProtocol

# Between two looks. A revocation waits for a handler no longer.
LOOK_SECONDS = 2.0
# Looks after which a handler whose client has gone is cancelled: 10 s, as Daphne's --application-close-timeout.
LOOKS_AFTER_CLOSE = 5


class WaitingHandler:
    """Watches the running task, which is a handler's, until ``end``.

    A socket that is to be revoked is closed with 1012 where the handler does not let it be: the next handshake is
    checked again. A handler that goes on for long after its client has gone is cancelled, unless it runs in a thread.
    """

    __slots__ = ("_is_in_thread", "_looks", "_socket", "_task", "_timer", "has_cancelled")

    def __init__(self, socket: "WebSocketProtocol", *, is_in_thread: bool) -> None:
        self._socket = socket
        self._is_in_thread = is_in_thread
        self._task = asyncio.current_task()
        self._looks = 0
        self.has_cancelled = False
        self._look_later()

    def end(self) -> None:
        """Stop watching."""
        self._timer.cancel()

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        if self._socket.is_connected:
            if any(message["type"] == "websocket.revoked" for message in self._socket.inbox or ()):
                self._socket.close(CloseCode.SERVICE_RESTART)
        else:
            self._looks += 1
            if self._looks >= LOOKS_AFTER_CLOSE and self._task and not self._is_in_thread:
                self.has_cancelled = True
                self._task.cancel()
                return
        self._look_later()
