"""The threads of synchronous consumers: their database connections, and what becomes of them when something fails."""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from channels_live.consumers import handler_threads
from channels_live.consumers.deliveries import Deliveries

SECONDS = 30


class Breakable(DatabaseWrapper):
    """A connection that notices when it is broken, as one to PostgreSQL does."""

    def is_in_memory_db(self) -> bool:
        return False  # Django closes none that is

    def is_usable(self) -> bool:
        try:
            self.connection.execute("SELECT 1")
        except self.Database.Error:
            return False
        return True


def query() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def connect() -> None:
    """Give the thread a connection of its own."""
    settings = {**connections["default"].settings_dict, "NAME": ":memory:", "ENGINE": "django.db.backends.sqlite3"}
    connections["default"] = Breakable(settings, "default")
    query()


class Handled:
    """Runs functions as handlers of events, all of one burst, and returns what each has raised."""

    def __init__(self) -> None:
        self.threads = handler_threads.HandlerThreads(Deliveries())

    async def all(self, *handlers: Callable[[], object]) -> list[BaseException | None]:
        results = []
        for handler in handlers:
            turn = asyncio.get_running_loop().create_future()
            consumer = SimpleNamespace(handle_in_thread=lambda _, handler=handler: handler())
            mailbox: Any = SimpleNamespace(consumer=consumer, context=copy_context())
            self.threads.put(mailbox, {}, turn)
            results.append(turn)
        async with asyncio.timeout(SECONDS):
            return [
                each if isinstance(each, BaseException) else None
                for each in await asyncio.gather(*results, return_exceptions=True)
            ]


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start no second thread, which would have another connection."""
    monkeypatch.setattr(handler_threads, "LOOK_SECONDS", 3600)


@pytest.mark.usefixtures("one_thread")
async def test_a_broken_connection_fails_one_handler_of_a_burst(django_db_blocker):
    def break_connection() -> None:
        connection.connection.close()
        query()

    with django_db_blocker.unblock():
        raised = await Handled().all(connect, break_connection, *[query] * 10, connections.close_all)
    assert [each is not None for each in raised] == [False, True, *[False] * 11]


@pytest.mark.usefixtures("one_thread")
async def test_a_transaction_that_a_handler_leaves_open_is_not_the_next_consumer_s(django_db_blocker):
    seen = []
    with django_db_blocker.unblock():
        raised = await Handled().all(
            connect,
            lambda: connection.set_autocommit(False),
            lambda: seen.append(connection.get_autocommit()),
            connections.close_all,
        )
    assert raised == [None] * 4
    assert seen == [True]
