"""Many who ask the database for something at once are answered together.

Each on its own, thousands of members that resume in one moment would queue for seconds, be given up by nginx, come
again and queue once more: the queue would never get shorter.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

# Keys of one read, so that a commit never waits long for the thread.
BATCH = 100


class SharedReads(Generic[Key, Answer]):
    """Collects keys while one read runs, and asks for all of them in the next.

    ``read`` returns an answer for each key that it is given. An answer is never older than its question.
    """

    def __init__(self, read: Callable[[Collection[Key]], Awaitable[Mapping[Key, Answer]]]) -> None:
        self._read = read
        self._waiting: dict[Key, asyncio.Future[Answer]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: Key) -> Answer:
        """Return the answer; raises what ``read`` raises."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read_all())
        # One who leaves takes nothing away from the others.
        return await asyncio.shield(future)

    async def _read_all(self) -> None:
        while self._waiting:
            batch = {key: self._waiting.pop(key) for key in list(self._waiting)[:BATCH]}
            try:
                answers = await self._read(batch.keys())
            except Exception as error:
                for future in batch.values():
                    future.set_exception(error)
                    # Where all who asked have left, nobody looks at it.
                    future.exception()
            else:
                for key, future in batch.items():
                    future.set_result(answers[key])
