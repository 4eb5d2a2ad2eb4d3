import asyncio

import pytest
from django.db import OperationalError

from channels_live.journal import Draft, GroupCommit, Overloaded, Unavailable
from tests.support.feeds import Post


class Database:
    """Stores batches one at a time, each when it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.may_commit = asyncio.Semaphore(0)
        self.is_down = False
        self.entries: dict[str, Post] = {}

    async def append(self, drafts):
        self.batches.append([draft.id for draft in drafts])
        await self.may_commit.acquire()
        if self.is_down:
            raise OperationalError("the server closed the connection")
        return [self.entries.setdefault(draft.id, new_entry(draft)) for draft in drafts]


def new_entry(draft: Draft) -> Post:
    entry = Post(seq=int(draft.id), client_id=draft.id)
    entry.is_new = True
    return entry


def draft(number: int) -> Draft:
    return Draft("room", str(number), {"text": "text"})


def start(commits: GroupCommit, *numbers: int) -> list[asyncio.Task[Post]]:
    return [asyncio.create_task(commits.append(draft(number))) for number in numbers]


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def committed() -> list[int]:
    return []


@pytest.fixture
def commits(database, committed) -> GroupCommit:
    return GroupCommit(database.append, limit=3, committed=lambda message: committed.append(message.seq))


async def turns() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_arrives_during_a_transaction_goes_into_the_next_one(commits, database, committed):
    first = start(commits, 1)
    await turns()
    rest = start(commits, 2, 3, 4)
    await turns()
    database.may_commit.release()
    database.may_commit.release()
    assert [stored.seq for stored in await asyncio.gather(*first, *rest)] == [1, 2, 3, 4]
    assert database.batches == [["1"], ["2", "3", "4"]]
    assert committed == [1, 2, 3, 4]


async def test_a_full_queue_refuses_and_keeps_what_it_has(commits, database):
    running = start(commits, 1)
    await turns()
    waiting = start(commits, 2, 3, 4)
    await turns()
    with pytest.raises(Overloaded):
        await commits.append(draft(5))
    database.may_commit.release()
    database.may_commit.release()
    assert [stored.seq for stored in await asyncio.gather(*running, *waiting)] == [1, 2, 3, 4]


async def test_a_database_that_is_down_refuses_the_batch_and_works_again_later(commits, database, committed):
    database.is_down = True
    refused = start(commits, 1, 2)
    database.may_commit.release()
    for task in refused:
        with pytest.raises(Unavailable):
            await task
    assert committed == []
    database.is_down = False
    database.may_commit.release()
    assert (await commits.append(draft(3))).seq == 3


async def test_a_sender_that_leaves_takes_nothing_back(commits, database, committed):
    (sender,) = start(commits, 1)
    await turns()
    sender.cancel()
    await turns()
    database.may_commit.release()
    await turns()
    assert committed == [1]


async def test_an_entry_that_comes_twice_in_one_batch_is_published_once(commits, database, committed):
    first = start(commits, 1)
    await turns()
    twice = start(commits, 2, 2, 3)
    await turns()
    database.may_commit.release()
    database.may_commit.release()
    assert [stored.seq for stored in await asyncio.gather(*first, *twice)] == [1, 2, 2, 3]
    assert committed == [1, 2, 3]
