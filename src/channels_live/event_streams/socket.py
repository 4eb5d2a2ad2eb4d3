"""What the hub writes to for a member that reads an event stream: see channels_live.hub.members.Socket."""

import asyncio
from collections.abc import Awaitable, Callable

from channels_live.observability import metrics


class EventStreamSocket:
    """Keeps whole frames until ``run`` has sent them.

    ``send_frames`` sends frames, and returns when the client may be sent more. More than ``buffer_bytes`` that wait
    are dropped, and the stream is closed: its client resumes.
    """

    def __init__(self, send_frames: Callable[[bytes], Awaitable[None]], buffer_bytes: int) -> None:
        self.is_connected = True
        self._send_frames = send_frames
        self._buffer_bytes = buffer_bytes
        self._waiting = bytearray()
        self._changed = asyncio.Event()

    def write(self, data: bytes) -> None:
        """Send whole frames soon."""
        if not self.is_connected:
            return
        if len(self._waiting) > self._buffer_bytes:
            metrics.SLOW_CLOSED.inc()
            self._waiting.clear()
            self._close()
            return
        self._waiting += data
        self._changed.set()

    async def send(self, data: bytes) -> None:
        """Send whole frames, and return when the client may be sent more; while nothing is written."""
        await self._send_frames(data)

    def close_gracefully(self, code: int) -> None:
        """Close when what was written is sent."""
        self._close()

    def _close(self) -> None:
        self.is_connected = False
        self._changed.set()

    async def run(self) -> None:
        """Send what is written until the stream is closed."""
        while self.is_connected or self._waiting:
            await self._changed.wait()
            self._changed.clear()
            if self._waiting:
                data = bytes(self._waiting)
                self._waiting.clear()
                await self._send_frames(data)
