"""The resuming client for tests that are no coroutines."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from channels_live.testing.deliveries import Acknowledged, Delivery
from channels_live.testing.resuming import WAIT_SECONDS, AsyncResumingClient, Refusal

T = TypeVar("T")


class ResumingClient:
    """An AsyncResumingClient that runs in a thread, from ``with`` on. ``LiveStack.resume`` makes one.

    It has the attributes of AsyncResumingClient, whose methods here block instead of being awaited.
    """

    name: str
    seq: int
    deliveries: list[Delivery]
    sent: dict[str, dict[str, Any]]
    unacknowledged: dict[str, dict[str, Any]]
    acknowledged: dict[str, int]
    renumbered: list[str]
    refusals: list[Refusal]
    resets: list[int]
    welcomes: list[dict[str, Any]]
    close_codes: Counter[int]
    failed_handshakes: Counter[str]
    is_online: bool

    def __init__(self, client: AsyncResumingClient) -> None:
        self._client = client
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"client {client.name}", daemon=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._run(self._client.__aenter__())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            self._run(self._client.__aexit__(kind, error, _))
        finally:
            self._end()

    def send(self, **fields: Any) -> str:
        """Send an entry now, or as soon as there is a connection; return its id."""
        return self._run(self._client.send(**fields))

    def wait_for_delivery(self, entry_id: str, seconds: float = WAIT_SECONDS) -> Delivery:
        """Return the first delivery of an entry, of any client; raises TimeoutError after so many seconds."""
        return self._run(self._client.wait_for_delivery(entry_id, seconds))

    def wait_for_acknowledgements(self, seconds: float = WAIT_SECONDS) -> None:
        """Return when all that was sent is acknowledged; raises TimeoutError after so many seconds."""
        self._run(self._client.wait_for_acknowledgements(seconds))

    def wait_for(self, condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
        """Return when the condition holds, asked in the client's thread; raises TimeoutError after so many seconds."""
        self._run(self._client.wait_for(condition, seconds))

    def written(self) -> list[Acknowledged]:
        """Return its acknowledged entries, for ``count_deliveries``."""
        return self._client.written()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
