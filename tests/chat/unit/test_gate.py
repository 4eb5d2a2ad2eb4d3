"""What a ws process remembers of who may enter."""

import asyncio

import pytest

from chat import gate as module
from chat.access import Refusal
from chat.gate import Gate


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

    monkeypatch.setattr(module, "_answer", answer)
    return asked


@pytest.fixture
def revocations() -> Revocations:
    return Revocations()


@pytest.fixture
def gate(revocations) -> Gate:
    return Gate(Database(), revocations)  # type: ignore[arg-type]


async def test_a_permission_is_remembered_until_anything_is_revoked(gate, asked, revocations):
    for _ in range(3):
        assert await gate.refusal("open", None) is None
    assert asked == [("open", None)]
    revocations.generation += 1
    await gate.refusal("open", None)
    assert len(asked) == 2


async def test_a_refusal_is_asked_for_each_time(gate, asked):
    for _ in range(2):
        assert await gate.refusal("club", 7) is Refusal.FORBIDDEN
    assert len(asked) == 2


async def test_nothing_is_remembered_while_revocations_cannot_be_read(gate, asked, revocations):
    await gate.refusal("open", None)
    revocations.is_current = False
    for _ in range(2):
        await gate.refusal("open", None)
    assert len(asked) == 3


async def test_what_was_revoked_while_it_was_read_is_not_remembered(gate, asked, revocations):
    reading = asyncio.create_task(gate.refusal("open", None))
    await asyncio.sleep(0)
    revocations.generation += 1
    await reading
    await gate.refusal("open", None)
    assert len(asked) == 2


async def test_rooms_open_to_guests(gate, asked):
    assert await gate.open_to_guests({"open", "club", "other"}) == {"open", "other"}
