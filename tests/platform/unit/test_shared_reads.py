import asyncio
from collections.abc import Collection

import pytest

from channels_live.database.shared_reads import BATCH, SharedReads


class Database:
    """Answers a key with itself and the number of the read; holds each read until it is let go."""

    def __init__(self) -> None:
        self.reads: list[set[int]] = []
        self.let_go = asyncio.Semaphore(0)

    async def read(self, keys: Collection[int]) -> dict[int, tuple[int, int]]:
        self.reads.append(set(keys))
        number = len(self.reads)
        await self.let_go.acquire()
        if 13 in self.reads[-1]:
            raise ConnectionError
        return {key: (key, number) for key in self.reads[-1]}


async def asked(shared: SharedReads[int, tuple[int, int]], *keys: int) -> list[asyncio.Task[tuple[int, int]]]:
    tasks = [asyncio.create_task(shared.get(key)) for key in keys]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_who_asks_while_a_read_runs_shares_the_next():
    database = Database()
    shared = SharedReads(database.read)
    first = await asked(shared, 1)
    others = await asked(shared, 1, 2, 2, 3)
    for _ in range(2):
        database.let_go.release()
    assert await asyncio.gather(*first) == [(1, 1)]
    # Also who asked for the same key: the read that ran began before the question.
    assert await asyncio.gather(*others) == [(1, 2), (2, 2), (2, 2), (3, 2)]
    assert database.reads == [{1}, {1, 2, 3}]


async def test_a_read_is_never_larger_than_a_batch():
    database = Database()
    shared = SharedReads(database.read)
    tasks = await asked(shared, *range(100, 100 + 2 * BATCH))
    for _ in range(3):
        database.let_go.release()
    await asyncio.gather(*tasks)
    assert max(map(len, database.reads)) == BATCH


async def test_an_error_reaches_those_who_asked_and_nobody_after_them():
    database = Database()
    shared = SharedReads(database.read)
    failing = await asked(shared, 13, 13)
    database.let_go.release()
    for task in failing:
        with pytest.raises(ConnectionError):
            await task
    (next_one,) = await asked(shared, 1)
    database.let_go.release()
    assert await next_one == (1, 2)


async def test_one_who_leaves_takes_nothing_away_from_the_others():
    database = Database()
    shared = SharedReads(database.read)
    leaving, staying = await asked(shared, 1, 1)
    leaving.cancel()
    database.let_go.release()
    assert await staying == (1, 1)


async def test_what_a_read_leaves_out_comes_first_in_the_next():
    reads: list[list[int]] = []
    let_go = asyncio.Semaphore(0)

    async def read_two(keys: Collection[int]) -> dict[int, tuple[int, int]]:
        reads.append(list(keys))
        number = len(reads)
        await let_go.acquire()
        return {key: (key, number) for key in reads[-1][:2]}

    shared = SharedReads(read_two)
    tasks = await asked(shared, 1, 2, 3)
    tasks += await asked(shared, 4, 3, 1)
    for _ in range(3):
        let_go.release()
    # The second who asked for 3 shares it, since it had not been read; the second who asked for 1 cannot.
    assert await asyncio.gather(*tasks) == [(1, 1), (2, 1), (3, 2), (4, 2), (3, 2), (1, 3)]
    assert reads == [[1, 2, 3], [3, 4, 1], [1]]


async def test_a_read_that_answers_nothing_is_an_error_and_not_endless():
    async def read_nothing(keys: Collection[int]) -> dict[int, tuple[int, int]]:
        return {}

    with pytest.raises(LookupError):
        await SharedReads(read_nothing).get(1)
