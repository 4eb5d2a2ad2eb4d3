"""Combines reads that many callers request at once.

Otherwise thousands of members that resume at once would wait for seconds, time out in nginx, reconnect and wait again,
and the queue would never get shorter.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from itertools import chain
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

# Maximum number of keys in one read.
BATCH = 100
READ_SECONDS = 0.01
"""Seconds after which a read should not start another key, since commits wait for the same thread."""


def one_by_one(read: Callable[[Key], Answer], keys: Collection[Key]) -> dict[Key, Answer]:
    """Return the results for as many keys as READ_SECONDS allow, at least for one; call it in a thread."""
    end = time.monotonic() + READ_SECONDS
    answers: dict[Key, Answer] = {}
    for key in keys:
        answers[key] = read(key)
        if time.monotonic() >= end:
            break
    return answers


class SharedReads(Generic[Key, Answer]):
    """Collects keys while one read runs, and reads all of them in the next.

    ``read`` returns results for at least one of its keys, as many as it can within READ_SECONDS; the others are passed
    to the next call. A read starts after ``get`` was called, so no result is older than the call.
    """

    def __init__(self, read: Callable[[Collection[Key]], Awaitable[Mapping[Key, Answer]]]) -> None:
        self._read = read
        self._waiting: dict[Key, list[asyncio.Future[Answer]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: Key) -> Answer:
        """Return the result for a key; raises what ``read`` raises."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read_all())
        return await future

    async def _read_all(self) -> None:
        while self._waiting:
            batch = {key: self._waiting.pop(key) for key in list(self._waiting)[:BATCH]}
            try:
                self._answer(batch, await self._read(batch.keys()))
            except Exception as error:
                for future in chain.from_iterable(batch.values()):
                    if not future.done():  # its caller may have been cancelled
                        future.set_exception(error)
                continue
            if batch:
                # First in the next read, together with callers that requested the same key meanwhile.
                self._waiting = {key: batch.get(key, []) + self._waiting.get(key, []) for key in batch | self._waiting}

    def _answer(self, batch: dict[Key, list[asyncio.Future[Answer]]], answers: Mapping[Key, Answer]) -> None:
        """Set the results, and leave the other keys in ``batch``."""
        if not answers:
            raise LookupError("A shared read returned no result.")
        for key, answer in answers.items():
            for future in batch.pop(key):
                if not future.done():
                    future.set_result(answer)
