"""What the visitors of the page of rooms are told."""

import asyncio
import json
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest

from chat import lobby as lobby_module
from chat.lobby import Lobby

SECONDS = 5


class Visitor:
    def __init__(self) -> None:
        self.told: asyncio.Queue[Any] = asyncio.Queue()

    def tell(self, text_data: str) -> None:
        self.told.put_nowait(json.loads(text_data)["rooms"])

    async def next(self) -> Any:
        async with asyncio.timeout(SECONDS):
            return await self.told.get()


async def everything(rooms: Collection[str]) -> set[str]:
    return set(rooms)


async def test_one_who_comes_between_two_changes_that_cancel_out_is_told_the_truth(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lobby_module, "CHANGE_SECONDS", 0.01)
    wire = SimpleNamespace(has_joined=lambda group: True, send=lambda group, message: None)
    lobby = Lobby(SimpleNamespace(handlers={}, topics={"a"}, wire=wire), everything)  # type: ignore[arg-type]
    early, late = Visitor(), Visitor()
    lobby.enter(early)
    lobby.count("a", 1)
    assert await early.next() == {"a": 1}
    lobby.count("a", 2)
    assert json.loads(lobby.enter(late)) == {"rooms": {"a": 2}}
    lobby.count("a", 1)
    assert await late.next() == {"a": 1}
    lobby._reporter.cancel()
