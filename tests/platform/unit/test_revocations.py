"""How a process reads revocations and notifies sockets; tests/accounts/native/test_revocation.py has processes."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from channels_live.observability import metrics
from channels_live.revocation import Revocations, add_subjects, revoke
from channels_live.revocation.watcher import WINDOW_SECONDS
from channels_live.revocation.watcher import __name__ as LOGGER


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

    def add(self, subjects) -> None:
        self.rows |= dict(enumerate(subjects, max(self.rows, default=10) + 1))

    def prune(self) -> None:
        pass


class Socket:
    def __init__(self, *subjects: str) -> None:
        self.subjects = subjects
        self.revoked: list[frozenset[str]] = []
        self.is_notified = asyncio.Event()

    def revoke(self, subjects: frozenset[str]) -> None:
        self.revoked.append(subjects)
        self.is_notified.set()


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def reader(table, clock) -> Revocations:
    return Revocations(table, clock=lambda: clock[0])


async def test_each_socket_is_notified_once_and_only_of_its_own(reader, table):
    alice, bob = Socket("session:a", "user:1"), Socket("session:b")
    table.rows = {11: "session:a", 12: "user:1", 13: "session:x"}
    for _ in range(3):
        await reader.read([alice, bob])
    assert alice.revoked == [frozenset({"session:a", "user:1"})]
    assert bob.revoked == []
    assert reader.generation == 1


async def test_a_row_that_becomes_visible_after_a_higher_number_is_found(reader, table, clock):
    alice = Socket("late")
    table.rows = {20: "early"}
    await reader.read([alice])
    clock[0] += WINDOW_SECONDS - 1
    table.rows[15] = "late"
    await reader.read([alice])
    assert alice.revoked == [frozenset({"late"})]


async def test_a_number_that_is_given_again_after_a_failover_is_notified(reader, table):
    alice, bob = Socket("session:a"), Socket("session:b")
    table.rows = {11: "session:a"}
    await reader.read([alice, bob])
    table.rows = {11: "session:b"}
    await reader.read([alice, bob])
    await reader.read([alice, bob])
    assert alice.revoked == [frozenset({"session:a"})]
    assert bob.revoked == [frozenset({"session:b"})]


async def test_what_was_seen_long_ago_is_not_read_again(reader, table, clock):
    table.rows = {20: "a"}
    await reader.read([])
    clock[0] += WINDOW_SECONDS + 1
    await reader.read([])
    await reader.read([])
    assert table.floors == [10, 10, 20]


async def test_a_socket_is_notified_of_what_was_revoked_during_its_handshake(reader, table, clock):
    alice, bob, carol = Socket("room:a"), Socket("room:b"), Socket("room:a")
    before = clock[0]
    table.rows = {11: "room:a"}
    clock[0] += 1
    await reader.read([])
    # A handshake that started later has seen the change.
    clock[0] += 1
    for socket, handshake_started_at in ((alice, before), (bob, before), (carol, clock[0])):
        reader.opened(socket, handshake_started_at)
    assert (alice.revoked, bob.revoked, carol.revoked) == ([frozenset({"room:a"})], [], [])


async def test_it_is_current_for_five_seconds(reader, clock):
    assert not reader.is_current
    await reader.read([])
    clock[0] += 4.9
    assert reader.is_current
    clock[0] += 0.2
    assert not reader.is_current


async def test_a_table_that_cannot_be_read_is_logged_once_and_read_again(table, caplog):
    errors = [ConnectionError("the database is away")] * 3
    read = table.after

    def after(number):
        if errors:
            raise errors.pop()
        return read(number)

    table.after = after
    table.rows = {11: "session:a"}
    reader = Revocations(table, interval=0)
    alice, counted = Socket("session:a"), metrics.REVOCATION_READ_ERRORS._value.get()
    watching = asyncio.create_task(reader.watch([alice]))
    await asyncio.wait_for(alice.is_notified.wait(), 5)
    watching.cancel()
    assert metrics.REVOCATION_READ_ERRORS._value.get() - counted == 3
    said = [record.getMessage() for record in caplog.records if record.name == LOGGER]
    assert said == [
        "Reading revocations failed, sockets of ended logins stay open until it succeeds: the database is away",
        "Reading revocations works again",
    ]


async def test_without_a_table_nothing_is_watched():
    reader = Revocations(None)
    await asyncio.wait_for(reader.watch([]), 5)
    assert not reader.is_current


def test_subjects_are_added_to_those_that_the_socket_has():
    alice = Socket("session:a")
    add_subjects({"channels_live.socket": alice}, "device:7", "room:a")
    assert alice.subjects == ("session:a", "device:7", "room:a")


def test_under_another_server_adding_subjects_does_nothing():
    add_subjects({}, "device:7")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({}, r'^CHANNELS_LIVE\["REVOCATION_TABLE"\] is not set, .+\.$'),
        ({"REVOCATION_TABLE": "no_such_module.Table"}, r'^CHANNELS_LIVE\["REVOCATION_TABLE"\]: .+\.$'),
    ],
)
def test_a_revocation_that_could_close_no_socket_fails_with_one_sentence(settings, value, sentence):
    settings.CHANNELS_LIVE = value
    with pytest.raises(ImproperlyConfigured, match=sentence):
        revoke("session:a")


def test_revoking_needs_neither_the_server_nor_its_metrics():
    code = (
        "import sys; import channels_live.revocation as module; from channels_live.revocation import revoke; "
        "print([name for name in sys.modules if name.partition('.')[0] in ('daphne', 'autobahn', 'twisted')"
        " or name in ('channels_live.observability.metrics', 'channels_live.revocation.watcher')])"
    )
    path = {"PYTHONPATH": str(Path(__file__).resolve().parents[3] / "src")}
    run = subprocess.run([sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
