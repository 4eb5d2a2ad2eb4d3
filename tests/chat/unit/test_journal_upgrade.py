"""A database that a release before the package had made is used as it is, and beside that release.

Commit b27fa46 was the last whose chat had a journal of its own. Its tables are made by its migrations, and written by
its two statements.
"""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from chat.journal import journal, message_draft, remove
from chat.models import Message, Room
from chat.runtime import RoomSource

pytestmark = pytest.mark.django_db(transaction=True)

LAST_MIGRATION = ("chat", "0003_access")


def release_before_appends(room: str, *messages: tuple[str, str]) -> list[int]:
    """Store (id, text) as chat.journal.append of b27fa46 did, and return the numbers."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with transaction.atomic(), connection.cursor() as cursor:
        raise_head = "UPDATE chat_room SET head = head + %s, active_at = %s WHERE name = %s RETURNING id, head"
        cursor.execute(raise_head, [len(messages), now, room])
        if (row := cursor.fetchone()) is None:
            cursor.execute(
                "INSERT INTO chat_room (name, head, pruned_to, active_at, access) VALUES (%s, 0, 0, NULL, 'public')",
                [room],
            )
            cursor.execute(raise_head, [len(messages), now, room])
            row = cursor.fetchone()
        pk, head = row
        seqs = range(head - len(messages) + 1, head + 1)
        values = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(messages))
        cursor.execute(
            f"INSERT INTO chat_message (room_id, seq, client_id, author, text, sent_at) VALUES {values}",
            [
                value
                for seq, (client_id, text) in zip(seqs, messages, strict=True)
                for value in (pk, seq, client_id, "alice", text, now)
            ],
        )
    return list(seqs)


@pytest.fixture
def upgraded_database() -> Iterator[None]:
    """A database of b27fa46 in which people have written, and on which `manage.py migrate` has run then."""
    call_command("migrate", "chat", "zero", verbosity=0)
    call_command("migrate", *LAST_MIGRATION, verbosity=0)
    assert release_before_appends("lobby", ("a", "one"), ("b", "two"), ("c", "three")) == [1, 2, 3]
    epoch = journal.epoch()
    call_command("migrate", verbosity=0)
    assert journal.epoch() == epoch
    yield
    call_command("migrate", verbosity=0)


def texts(after: int = 0) -> list[tuple[int, str]]:
    return [(message.seq, message.text) for message in journal.after("lobby", after)]


def test_migrations_since_the_release_before_touch_no_table():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
    graph = MigrationExecutor(connection).loader.graph
    (leaf,) = graph.leaf_nodes("chat")
    for _, name in graph.forwards_plan(leaf)[graph.forwards_plan(leaf).index(LAST_MIGRATION) + 1 :]:
        call_command("sqlmigrate", "chat", name, stdout=(script := StringIO()))
        statements = {line for line in script.getvalue().splitlines() if not line.startswith("--")}
        assert statements <= {"BEGIN;", "COMMIT;"}


def test_upgraded_journal_goes_on_numbering_and_knows_the_ids(upgraded_database):
    new, known = journal.append([message_draft("lobby", "d", "bob", "four"), message_draft("lobby", "b", "bob", "two")])
    assert (new.seq, new.is_new) == (4, True)
    assert (known.seq, known.is_new, known.author) == (2, False, "alice")
    assert journal.bounds("lobby") == (4, 0)


def test_upgraded_journal_is_resumed_from_any_number(upgraded_database):
    journal.append([message_draft("lobby", "d", "bob", "four")])
    assert texts(after=1) == [(2, "two"), (3, "three"), (4, "four")]
    assert [event.seq for event in RoomSource().after("lobby", 2)] == [3, 4]
    assert '"id":"c","message":"three","author":"alice"' in RoomSource().after("lobby", 2)[0].frames["chat.v1"]


def test_upgraded_journal_is_changed_and_pruned(upgraded_database):
    remove(Message.objects.get(seq=3).pk)
    Message.objects.filter(seq__lte=2).update(sent_at=timezone.now() - timedelta(days=40))
    assert journal.prune(timezone.now() - timedelta(days=30)) == {Room.objects.get().pk: 2}
    assert texts() == [(3, "")]
    assert journal.bounds("lobby") == (3, 2)
    assert journal.append([message_draft("lobby", "d", "bob", "four")])[0].seq == 4


def test_both_releases_append_to_the_same_room_during_a_rollout(upgraded_database):
    assert journal.append([message_draft("lobby", "d", "bob", "four")])[0].seq == 4
    assert release_before_appends("lobby", ("e", "five")) == [5]
    assert journal.append([message_draft("lobby", "f", "bob", "six")])[0].seq == 6
    with pytest.raises(IntegrityError):
        release_before_appends("lobby", ("d", "again"))
    assert journal.append([message_draft("new", "a", "bob", "first")])[0].seq == 1
    assert release_before_appends("new", ("b", "second")) == [2]
    assert [seq for seq, _ in texts()] == [1, 2, 3, 4, 5, 6]


def test_a_room_has_the_group_that_it_had_in_the_release_before():
    # The SHA-256 of the name. Processes of both releases are in one group.
    assert journal.group("lobby") == "chat.4b5dc076e7b9c122b3c89121a9710fc73b490d48e1ff3661557919175e505633"
