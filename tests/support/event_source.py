"""An EventSource (https://html.spec.whatwg.org/multipage/server-sent-events.html) that records what it receives."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import TracebackType

import httpx


@dataclass(frozen=True, slots=True)
class Event:
    """``at`` is time.monotonic()."""

    id: str
    data: str
    at: float


@dataclass
class EventSource:
    """Reads from ``async with`` on, and reconnects with Last-Event-ID after each response that has ended.

    As a browser's, it gives up at any status but 200: ``status`` is it then. ``cut`` counts responses that were
    incomplete; ``ended_at`` has the time of every end, ``comments`` those that came.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    retry_seconds: float = 0.1
    reconnects: bool = True
    last_event_id: str = ""
    events: list[Event] = field(default_factory=list)
    comments: int = 0
    cut: int = 0
    failed: int = 0
    opened: int = 0
    status: int | None = None
    ended_at: list[float] = field(default_factory=list)

    async def __aenter__(self) -> "EventSource":
        self._changed = asyncio.Condition()
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(10, read=None), trust_env=False)
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._client.aclose()

    async def wait(self, condition: object, seconds: float = 20) -> None:
        """Return when ``condition()``, a function, is true; it is asked after everything that happens."""
        assert callable(condition)
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def _run(self) -> None:
        while self.status is None:
            try:
                await self._read()
            except httpx.ConnectError:
                self.failed += 1
            except httpx.TransportError:
                self.cut += 1
            await self._notify()
            if not self.reconnects:
                return
            await asyncio.sleep(self.retry_seconds)

    async def _read(self) -> None:
        resume = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        headers = {"Accept": "text/event-stream", **self.headers, **resume}
        async with self._client.stream("GET", self.url, headers=headers) as response:
            if response.status_code != 200:
                self.status = response.status_code
                return
            assert response.headers["Content-Type"].startswith("text/event-stream")
            self.opened += 1
            await self._notify()
            async for block in _blocks(response):
                self._take(block)
                await self._notify()
        self.ended_at.append(time.monotonic())

    def _take(self, block: list[str]) -> None:
        data = []
        for line in block:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                data.append(value)
            elif name == "id":
                self.last_event_id = value
            elif not name:
                self.comments += 1
        if data:
            self.events.append(Event(self.last_event_id, "\n".join(data), time.monotonic()))

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def _blocks(response: httpx.Response) -> AsyncIterator[list[str]]:
    """Yield the lines of each event; one that is incomplete at the end is dropped."""
    block: list[str] = []
    async for line in response.aiter_lines():
        if line:
            block.append(line)
        else:
            yield block
            block = []
