"""The cache of permissions in a ws process."""

import asyncio

import pytest

from chat import access_cache
from chat.access import Refusal
from chat.access_cache import AccessCache


class Revocations:
    generation = 0
    is_current = True


class Database:
    async def run(self, function, *arguments):
        await asyncio.sleep(0)
        return function(*arguments)


@pytest.fixture
def asked(monkeypatch) -> list:
    asked: list = []

    def answer(questions):
        asked.extend(sorted(questions))
        return {question: Refusal.FORBIDDEN if question[0] == "club" else None for question in questions}

    monkeypatch.setattr(access_cache, "_answer", answer)
    return asked


@pytest.fixture
def revocations() -> Revocations:
    return Revocations()


@pytest.fixture
def cache(revocations) -> AccessCache:
    return AccessCache(Database(), revocations)  # type: ignore[arg-type]


async def test_a_permission_is_cached_until_anything_is_revoked(cache, asked, revocations):
    for _ in range(3):
        assert await cache.refusal("open", None) is None
    assert asked == [("open", None)]
    revocations.generation += 1
    await cache.refusal("open", None)
    assert len(asked) == 2


async def test_a_refusal_is_not_cached(cache, asked):
    for _ in range(2):
        assert await cache.refusal("club", 7) is Refusal.FORBIDDEN
    assert len(asked) == 2


async def test_nothing_is_cached_while_revocations_cannot_be_read(cache, asked, revocations):
    await cache.refusal("open", None)
    revocations.is_current = False
    for _ in range(2):
        await cache.refusal("open", None)
    assert len(asked) == 3


async def test_a_permission_read_during_a_revocation_is_not_cached(cache, asked, revocations):
    reading = asyncio.create_task(cache.refusal("open", None))
    await asyncio.sleep(0)
    revocations.generation += 1
    await reading
    await cache.refusal("open", None)
    assert len(asked) == 2


async def test_rooms_open_to_guests(cache, asked):
    assert await cache.open_to_guests({"open", "club", "other"}) == {"open", "other"}
