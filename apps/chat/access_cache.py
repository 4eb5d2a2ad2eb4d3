"""The cache of chat.access in one ws process, which reads the access of many visitors in one query."""

import asyncio
import time
from collections.abc import Collection

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser

from channels_live.database import READ_SECONDS, DatabaseThread, SharedReads
from channels_live.revocation import Revocations
from chat import access
from chat.access import Refusal

MAX_CACHED = 10_000

# A room, and a user's primary key, None for a guest.
Question = tuple[str, int | None]


class AccessCache:
    """Returns whether a visitor may enter a room, from the cache where possible.

    A permission is cached until anything at all is revoked. A refusal is not cached, since a permission that is
    granted revokes nothing. While revocations cannot be read, or the project has none, nothing is cached.
    """

    def __init__(self, database: DatabaseThread, revocations: Revocations) -> None:
        self._database = database
        self._revocations = revocations
        self._reads = SharedReads(self._read)
        self._permitted: set[Question] = set()
        self._generation = revocations.generation

    async def refusal(self, room: str, user_id: int | None) -> Refusal | None:
        """Return why a user, or a guest (None), may not enter, None where they may; raises what the database raises."""
        question = (room, user_id)
        if self._is_permitted(question):
            return None
        generation = self._revocations.generation
        refusal = await self._reads.get(question)
        if refusal is None and self._is_valid(generation):
            if len(self._permitted) >= MAX_CACHED:
                self._permitted.clear()
            self._permitted.add(question)
        return refusal

    async def recheck(self, room: str, user_id: int | None) -> Refusal | None:
        """Return the same without the cache."""
        return await self._reads.get((room, user_id))

    async def open_to_guests(self, rooms: Collection[str]) -> set[str]:
        """Return those of the rooms that a guest may enter; raises what the database raises."""
        unknown = [room for room in rooms if not self._is_permitted((room, None))]
        refusals = await asyncio.gather(*(self.refusal(room, None) for room in unknown))
        return set(rooms) - {room for room, refusal in zip(unknown, refusals, strict=True) if refusal}

    def _is_permitted(self, question: Question) -> bool:
        return self._is_valid(self._revocations.generation) and question in self._permitted

    def _is_valid(self, generation: int) -> bool:
        """Whether what was read in that generation is still valid."""
        if self._generation != self._revocations.generation:
            self._permitted.clear()
            self._generation = self._revocations.generation
        return self._revocations.is_current and generation == self._generation

    async def _read(self, questions: Collection[Question]) -> dict[Question, Refusal | None]:
        return await self._database.run(_answer, questions)


def _answer(questions: Collection[Question]) -> dict[Question, Refusal | None]:
    """Answer as many of the questions as READ_SECONDS allow, those of one user at least."""
    end = time.monotonic() + READ_SECONDS
    ids = {user_id for _, user_id in questions if user_id is not None}
    users = get_user_model().objects.filter(is_active=True).in_bulk(ids) if ids else {}
    answers: dict[Question, Refusal | None] = {}
    # In the order of the questions.
    for user_id in dict.fromkeys(user_id for _, user_id in questions):
        rooms = {room for room, other in questions if other == user_id}
        visitor = AnonymousUser() if user_id is None else users.get(user_id, AnonymousUser())
        refusals = access.refusals(rooms, visitor)
        answers |= {(room, user_id): refusals.get(room) for room in rooms}
        if time.monotonic() >= end:
            break
    return answers
