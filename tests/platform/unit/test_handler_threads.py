"""The threads of synchronous consumers: their database connections, and what becomes of them when something fails."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from channels_live.consumers import handler_threads
from channels_live.consumers.deliveries import Deliveries
from channels_live.consumers.mailbox import Mailbox

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


async def test_a_handler_s_task_may_be_cancelled_while_its_thread_runs():
    loop = asyncio.get_running_loop()
    deliveries = Deliveries()
    begun, release = asyncio.Event(), threading.Event()
    handled = []

    def handle(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.receive":
            loop.call_soon_threadsafe(begun.set)
            release.wait(SECONDS)
        handled.append(message["type"])

    consumer: Any = SimpleNamespace(handle_in_thread=handle, takes_events_in_threads=True)
    consumer.dispatch = lambda message: deliveries.threads.run(mailbox, message)
    mailbox = Mailbox(consumer, deliveries, None, None)
    try:
        async with asyncio.timeout(SECONDS):
            handling = asyncio.create_task(mailbox.handle({"type": "websocket.receive"}))
            await begun.wait()
            handling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await handling
            await mailbox.handle({"type": "websocket.disconnect"})
        assert handled == ["websocket.disconnect"]
    finally:
        release.set()


async def test_a_thread_that_cannot_be_started_is_not_tried_again_at_once(monkeypatch):
    attempts = 0
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        nonlocal attempts
        attempts += 1
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(handler_threads, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    handling = asyncio.create_task(Handled().all(lambda: None))
    for _ in range(100):
        await asyncio.sleep(0)
    assert attempts == 1
    monkeypatch.setattr(threading.Thread, "start", start)
    assert await handling == [None]


async def test_a_connection_that_cannot_be_closed_keeps_no_handler_from_running(monkeypatch):
    def fail() -> None:
        raise LookupError

    monkeypatch.setattr(handler_threads, "close_old_connections", fail)
    assert await Handled().all(lambda: None) == [None]


async def test_handlers_that_wait_for_a_thread_are_logged_once(monkeypatch, caplog):
    monkeypatch.setattr(handler_threads, "MAX_THREADS", 2)
    monkeypatch.setattr(handler_threads, "WAITED_SECONDS", 0.02)
    release = threading.Event()
    released_by_log = asyncio.Event()

    class Noticing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            released_by_log.set()

    noticing = Noticing()
    handler_threads.logger.addHandler(noticing)
    try:
        handling = asyncio.create_task(Handled().all(*[lambda: release.wait(SECONDS)] * 3))
        async with asyncio.timeout(SECONDS):
            await released_by_log.wait()
        # As many looks again.
        await asyncio.sleep(handler_threads.LOOK_SECONDS * 5)
    finally:
        release.set()
        handler_threads.logger.removeHandler(noticing)
    assert await handling == [None] * 3
    (record,) = [each for each in caplog.records if each.name == handler_threads.__name__]
    assert record.getMessage().startswith("All 2 threads for synchronous consumers are busy; the oldest of 1 waiting")
