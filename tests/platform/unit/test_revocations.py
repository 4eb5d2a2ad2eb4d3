"""How a ws process reads what was revoked; tests/accounts/native/test_revocation.py does it with real processes."""

import asyncio

import pytest

from channels_live.observability import metrics
from channels_live.revocation import watcher as revocations
from channels_live.revocation.watcher import Revocations


class Table:
    """A table whose rows become visible when the test says so."""

    def __init__(self) -> None:
        self.rows: dict[int, str] = {}
        self.floors: list[int] = []

    def begin(self) -> int:
        return 10

    def after(self, number: int) -> list[tuple[int, str]]:
        self.floors.append(number)
        return [(key, subject) for key, subject in sorted(self.rows.items()) if key > number]

    def prune(self) -> None:
        pass


class Socket:
    heard = socket_opened = asked_at = 0.0

    def __init__(self, *subjects: str) -> None:
        self.subjects = subjects
        self.told: list[frozenset[str]] = []
        self.is_told = asyncio.Event()

    def revoke(self, subjects: frozenset[str]) -> None:
        self.told.append(subjects)
        self.is_told.set()


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(revocations.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def reader(table, clock) -> Revocations:
    reader = Revocations()
    reader.table = table
    return reader


async def test_each_socket_is_told_once_and_only_of_its_own(reader, table):
    alice, bob = Socket("session:a", "user:1"), Socket("session:b")
    table.rows = {11: "session:a", 12: "user:1", 13: "session:x"}
    for _ in range(3):
        await reader.read([alice, bob])
    assert alice.told == [frozenset({"session:a", "user:1"})]
    assert bob.told == []
    assert reader.generation == 1


async def test_a_row_that_becomes_visible_after_a_higher_number_is_found(reader, table, clock):
    alice = Socket("late")
    table.rows = {20: "early"}
    await reader.read([alice])
    clock[0] += revocations.WINDOW_SECONDS - 1
    table.rows[15] = "late"
    await reader.read([alice])
    assert alice.told == [frozenset({"late"})]


async def test_a_number_that_is_given_again_after_a_failover_is_told(reader, table):
    alice, bob = Socket("session:a"), Socket("session:b")
    table.rows = {11: "session:a"}
    await reader.read([alice, bob])
    table.rows = {11: "session:b"}
    await reader.read([alice, bob])
    await reader.read([alice, bob])
    assert alice.told == [frozenset({"session:a"})]
    assert bob.told == [frozenset({"session:b"})]


async def test_what_was_seen_long_ago_is_not_read_again(reader, table, clock):
    table.rows = {20: "a"}
    await reader.read([])
    clock[0] += revocations.WINDOW_SECONDS + 1
    await reader.read([])
    await reader.read([])
    assert table.floors == [10, 10, 20]


async def test_a_socket_is_told_of_what_was_revoked_during_its_handshake(reader, table, clock):
    alice, bob, carol = Socket("room:a"), Socket("room:b"), Socket("room:a")
    alice.asked_at = bob.asked_at = clock[0]
    table.rows = {11: "room:a"}
    clock[0] += 1
    await reader.read([])
    # One whose handshake came later was judged by what had changed.
    clock[0] += 1
    carol.asked_at = clock[0]
    for socket in (alice, bob, carol):
        reader.opened(socket)
    assert (alice.told, bob.told, carol.told) == ([frozenset({"room:a"})], [], [])


async def test_it_is_current_for_five_seconds(reader, clock):
    assert not reader.is_current
    await reader.read([])
    clock[0] += 4.9
    assert reader.is_current
    clock[0] += 0.2
    assert not reader.is_current


async def test_a_table_that_cannot_be_read_is_said_once_and_read_again(reader, table, caplog, monkeypatch):
    errors = [ConnectionError("the database is away")] * 3
    read = table.after

    def after(number):
        if errors:
            raise errors.pop()
        return read(number)

    table.after = after
    table.rows = {11: "session:a"}
    monkeypatch.setattr(revocations, "READ_SECONDS", 0)
    alice, counted = Socket("session:a"), metrics.REVOCATION_READ_ERRORS._value.get()
    watching = asyncio.create_task(reader.watch([alice]))
    await asyncio.wait_for(alice.is_told.wait(), 5)
    watching.cancel()
    assert metrics.REVOCATION_READ_ERRORS._value.get() - counted == 3
    said = [record.getMessage() for record in caplog.records if record.name == revocations.__name__]
    assert said == [
        "Revocations cannot be read, sockets stay open: the database is away",
        "Revocations are read again",
    ]
