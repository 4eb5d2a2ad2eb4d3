"""WebSocket clients for tests, synchronous and asynchronous, whose errors show what came instead."""

import asyncio
import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from channels_live.testing.handshake import Handshake

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection as AsyncConnection
    from websockets.sync.client import ClientConnection as SyncConnection

# Seconds that a test waits for a frame; what takes longer on loopback will not come.
SECONDS = 5.0
MAX_SHOWN = 300
NO_CLOSE_FRAME = 1006


class FrameNotReceived(AssertionError):
    """The frame that a test expects has not come. The text says which, and what came instead."""


class Close(NamedTuple):
    """How a connection ended.

    Attributes:
        code: The close code of the server; 1006 where the connection broke without one (RFC 6455, section 7.1.5).
        reason: The reason that the server gave, or nothing.
    """

    code: int
    reason: str


class _Frames:
    """What both clients have: the frames that came, and what to say where the expected one did not."""

    def __init__(self, handshake: Handshake) -> None:
        self._handshake = handshake
        self.received: list[Any] = []
        """All messages that were received: the value of what is JSON, any other as it came."""

    def _record(self, data: str | bytes) -> bool:
        """Keep a message, and return whether it is JSON."""
        try:
            self.received.append(json.loads(data))
        except ValueError:
            self.received.append(data)
            return False
        return True

    def _is_expected(self, data: str | bytes, expected: Mapping[str, Any] | None) -> bool:
        """Keep a message, and return whether it is the one; raises FrameNotReceived where it is no JSON."""
        if not self._record(data):
            raise FrameNotReceived(f"{self._handshake.url} sent a message that is no JSON: {_shown(data)}")
        frame = self.received[-1]
        return not expected or (
            isinstance(frame, dict) and all(name in frame and frame[name] == value for name, value in expected.items())
        )

    def _not_received(self, expected: object, why: str, since: int) -> FrameNotReceived:
        wanted = f"A frame with {_shown(expected)}" if expected else "A frame"
        came = [_shown(frame) for frame in self.received[since:]]
        instead = "".join(f"\n  {number}. {frame}" for number, frame in enumerate(came, 1)) or " nothing"
        return FrameNotReceived(
            f"{wanted} was expected of {self._handshake.url}, but {why}. Received instead:{instead}"
        )


def _shown(frame: object) -> str:
    text = repr(frame) if isinstance(frame, str | bytes) else json.dumps(frame, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}… ({len(text)} characters)"


def _close_of(error: Any) -> Close:
    """Return the code and the reason of websockets' ConnectionClosed."""
    return Close(error.rcvd.code, error.rcvd.reason) if error.rcvd else Close(NO_CLOSE_FRAME, "")


def _said(close: Close) -> str:
    return f"the connection was closed with {close.code}" + (f" ({close.reason})" if close.reason else "")


class WebSocketClient(_Frames):
    """A client for tests that are no coroutines; open from ``with`` on. ``LiveStack.connect`` makes one.

    Entering it raises HandshakeRefused where the server answers with another status than 101.
    """

    _connection: "SyncConnection"

    def __enter__(self) -> Self:
        __tracebackhide__ = True
        from websockets.exceptions import InvalidStatus
        from websockets.sync.client import connect

        arguments = self._handshake.arguments()
        try:
            self._connection = connect(**arguments).__enter__()
        except InvalidStatus as error:
            raise self._handshake.refused(error) from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._connection.close()

    @property
    def subprotocol(self) -> str | None:
        """What the server has chosen of the offered subprotocols."""
        return self._connection.subprotocol

    def send(self, data: str | bytes) -> None:
        """Send a text or a binary message."""
        self._connection.send(data)

    def send_json(self, content: Any) -> None:
        """Send JSON as a text message."""
        self._connection.send(json.dumps(content))

    def receive(self, seconds: float = SECONDS) -> str | bytes:
        """Return the next message.

        Args:
            seconds: How long to wait for it.

        Raises:
            FrameNotReceived: None came in time, or the connection ended.
        """
        __tracebackhide__ = True
        data = self._next(None, time.monotonic() + seconds, seconds, len(self.received))
        self._record(data)
        return data

    def receive_json(self, expected: Mapping[str, Any] | None = None, *, seconds: float = SECONDS) -> Any:
        """Return the next message, parsed from JSON, or the next one that has the ``expected`` keys and values.

        Args:
            expected: Such as ``{"type": "ack", "id": "a1"}``; messages without these keys and values are skipped, and
                stay in ``received``.
            seconds: How long to wait in all.

        Raises:
            FrameNotReceived: None came in time, the connection ended, or a message was no JSON.
        """
        __tracebackhide__ = True
        deadline, since = time.monotonic() + seconds, len(self.received)
        while not self._is_expected(self._next(expected, deadline, seconds, since), expected):
            pass
        return self.received[-1]

    def wait_closed(self, seconds: float = SECONDS) -> Close:
        """Wait until the server closes the connection; messages that come before stay in ``received``.

        Args:
            seconds: How long to wait.

        Returns:
            The close code and the reason.

        Raises:
            FrameNotReceived: It is still open then.
        """
        __tracebackhide__ = True
        from websockets.exceptions import ConnectionClosed

        deadline, since = time.monotonic() + seconds, len(self.received)
        try:
            while True:
                self._record(self._connection.recv(max(0.0, deadline - time.monotonic())))
        except ConnectionClosed as error:
            return _close_of(error)
        except TimeoutError:
            raise self._not_received("close", f"the connection is open after {seconds:g} s", since) from None

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection, and return when the server has answered."""
        self._connection.close(code, reason)

    def _next(self, expected: object, deadline: float, seconds: float, since: int) -> str | bytes:
        __tracebackhide__ = True
        from websockets.exceptions import ConnectionClosed

        try:
            return self._connection.recv(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            raise self._not_received(expected, f"none came within {seconds:g} s", since) from None
        except ConnectionClosed as error:
            raise self._not_received(expected, _said(_close_of(error)), since) from None


class AsyncWebSocketClient(_Frames):
    """The same for coroutines; open from ``async with`` on. ``LiveStack.aconnect`` makes one.

    Entering it raises HandshakeRefused where the server answers with another status than 101.
    """

    _connection: "AsyncConnection"

    async def __aenter__(self) -> Self:
        __tracebackhide__ = True
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidStatus

        arguments = await self._handshake.aarguments()
        try:
            self._connection = await connect(**arguments)
        except InvalidStatus as error:
            raise self._handshake.refused(error) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._connection.close()

    @property
    def subprotocol(self) -> str | None:
        """What the server has chosen of the offered subprotocols."""
        return self._connection.subprotocol

    async def send(self, data: str | bytes) -> None:
        """Send a text or a binary message."""
        await self._connection.send(data)

    async def send_json(self, content: Any) -> None:
        """Send JSON as a text message."""
        await self._connection.send(json.dumps(content))

    async def receive(self, seconds: float = SECONDS) -> str | bytes:
        """Return the next message, as ``WebSocketClient.receive`` does."""
        __tracebackhide__ = True
        data = await self._next(None, time.monotonic() + seconds, seconds, len(self.received))
        self._record(data)
        return data

    async def receive_json(self, expected: Mapping[str, Any] | None = None, *, seconds: float = SECONDS) -> Any:
        """Return the next message's JSON, or that of the ``expected`` one, as ``WebSocketClient.receive_json`` does."""
        __tracebackhide__ = True
        deadline, since = time.monotonic() + seconds, len(self.received)
        while not self._is_expected(await self._next(expected, deadline, seconds, since), expected):
            pass
        return self.received[-1]

    async def wait_closed(self, seconds: float = SECONDS) -> Close:
        """Wait until the server closes the connection, as ``WebSocketClient.wait_closed`` does."""
        __tracebackhide__ = True
        from websockets.exceptions import ConnectionClosed

        since = len(self.received)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._record(await self._connection.recv())
        except ConnectionClosed as error:
            return _close_of(error)
        except TimeoutError:
            raise self._not_received("close", f"the connection is open after {seconds:g} s", since) from None

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection, and return when the server has answered."""
        await self._connection.close(code, reason)

    async def _next(self, expected: object, deadline: float, seconds: float, since: int) -> str | bytes:
        __tracebackhide__ = True
        from websockets.exceptions import ConnectionClosed

        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                return await self._connection.recv()
        except TimeoutError:
            raise self._not_received(expected, f"none came within {seconds:g} s", since) from None
        except ConnectionClosed as error:
            raise self._not_received(expected, _said(_close_of(error)), since) from None
