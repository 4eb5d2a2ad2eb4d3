"""What the visitors of the page of rooms are told."""

import asyncio
import json
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

from chat import lobby as lobby_module
from chat.lobby import Lobby
from deploy.capacity import model

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


async def test_one_who_comes_between_two_changes_that_cancel_out_is_told_the_truth():
    connection = SimpleNamespace(has_joined=lambda group: True, send=lambda group, message: None)
    hub: Any = SimpleNamespace(handlers={}, topics={"a"}, connection=connection)
    lobby = Lobby(hub, everything, change_seconds=0.01)
    early, late = Visitor(), Visitor()
    lobby.enter(early)
    lobby.count("a", 1)
    assert await early.next() == {"a": 1}
    lobby.count("a", 2)
    assert json.loads(lobby.enter(late)) == {"rooms": {"a": 2}}
    lobby.count("a", 1)
    assert await late.next() == {"a": 1}
    lobby.close()


def test_the_model_of_make_capacity_has_the_interval_of_the_lobby():
    assert model.REPORT_CHANGE_SECONDS == lobby_module.CHANGE_SECONDS
