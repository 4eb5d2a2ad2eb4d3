"""Many who ask the database for something at once are answered together.

Each on its own, thousands of members that resume in one moment would queue for seconds, be given up by nginx, come
again and queue once more: the queue would never get shorter.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from itertools import chain
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

# Keys of one read at most.
BATCH = 100
READ_SECONDS = 0.01
"""How long a read should go on to its next key, in seconds: commits wait for the same thread."""


def one_by_one(read: Callable[[Key], Answer], keys: Collection[Key]) -> dict[Key, Answer]:
    """Return the answers to as many of the keys as there is time for, to one at least; for a thread."""
    end = time.monotonic() + READ_SECONDS
    answers: dict[Key, Answer] = {}
    for key in keys:
        answers[key] = read(key)
        if time.monotonic() >= end:
            break
    return answers


class SharedReads(Generic[Key, Answer]):
    """Collects keys while one read runs, and asks for all of them in the next.

    ``read`` returns an answer for some of the keys that it is given, for one at least: as many as it can before others
    have to have a turn. It is given the others again. An answer is never older than its question.
    """

    def __init__(self, read: Callable[[Collection[Key]], Awaitable[Mapping[Key, Answer]]]) -> None:
        self._read = read
        self._waiting: dict[Key, list[asyncio.Future[Answer]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: Key) -> Answer:
        """Return the answer; raises what ``read`` raises."""
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
                    if not future.done():  # one who has left
                        future.set_exception(error)
                continue
            if batch:
                # In front, and with those who have asked for the same meanwhile.
                self._waiting = {key: batch.get(key, []) + self._waiting.get(key, []) for key in batch | self._waiting}

    def _answer(self, batch: dict[Key, list[asyncio.Future[Answer]]], answers: Mapping[Key, Answer]) -> None:
        """Give the answers, and leave in ``batch`` what was not answered."""
        if not answers:
            raise LookupError("A read answered nothing.")
        for key, answer in answers.items():
            for future in batch.pop(key):
                if not future.done():
                    future.set_result(answer)
