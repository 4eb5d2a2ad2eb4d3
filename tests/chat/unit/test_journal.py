"""The journal's promises: numbers without gap or repeat, nothing stored twice, every read by index."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from channels_live.journal import Draft
from chat.journal import journal, message_draft, remove
from chat.models import Message, Room

ROOT = Path(__file__).resolve().parents[3]


def draft(number: int, room: str = "lobby", text: str = "hello") -> Draft:
    return message_draft(room, f"id-{number}", "alice", text)


def fill(count: int, room: str = "lobby") -> list[Message]:
    return journal.append([draft(number, room) for number in range(1, count + 1)])


def numbers(messages: list[Message]) -> list[int]:
    return [message.seq for message in messages]


@pytest.mark.django_db
def test_each_room_counts_from_one():
    assert numbers(journal.append([draft(1), draft(1, "other"), draft(2)])) == [1, 1, 2]
    assert numbers(journal.append([draft(3), draft(2, "other")])) == [3, 2]
    assert journal.heads(["lobby", "other", "empty"]) == {"lobby": 3, "other": 2, "empty": 0}


@pytest.mark.django_db
def test_what_is_stored_comes_back():
    (stored,) = journal.append([message_draft("雑談", "x", "alice", "こんにちは 👋")])
    (read,) = journal.after("雑談", 0)
    for message in (stored, read):
        assert (message.stream_name, message.seq, message.client_id) == ("雑談", 1, "x")
        assert (message.author, message.text) == ("alice", "こんにちは 👋")
        assert not message.is_removed
    assert read.sent_at == stored.sent_at
    assert (stored.is_new, read.is_new) == (True, False)


@pytest.mark.django_db
def test_a_message_sent_again_is_stored_once():
    (first,) = journal.append([draft(1, text="first")])
    again, new = journal.append([draft(1, text="changed"), draft(2)])
    assert (again.seq, again.text, again.is_new) == (first.seq, "first", False)
    assert (new.seq, new.is_new) == (2, True)
    assert Message.objects.count() == 2


@pytest.mark.django_db
def test_an_id_twice_in_one_call_is_stored_once():
    one, two, other = journal.append([draft(1), draft(1, text="again"), draft(2)])
    assert one is two
    assert (one.seq, other.seq) == (1, 2)


@pytest.mark.django_db
def test_an_id_is_unique_in_its_room_only():
    assert all(message.is_new for message in journal.append([draft(1, "a"), draft(1, "b")]))


@pytest.mark.django_db
def test_nothing_to_append_is_nothing():
    fill(2)
    assert journal.append([]) == []


@pytest.mark.django_db(transaction=True)
def test_an_id_stored_by_another_process_meanwhile_is_found_at_the_second_look(monkeypatch):
    fill(1)
    look = journal._known
    looks = []

    def look_too_early_at_first(*args):
        looks.append(args)
        return {} if len(looks) == 1 else look(*args)

    monkeypatch.setattr(journal, "_known", look_too_early_at_first)
    again, new = journal.append([draft(1), draft(2)])
    assert (again.seq, again.is_new) == (1, False)
    assert (new.seq, new.is_new) == (2, True)


@pytest.mark.django_db(transaction=True)
def test_a_call_that_fails_takes_no_number(monkeypatch):
    fill(1)
    with monkeypatch.context() as patch:
        patch.setattr(journal, "_known", lambda *args: {})
        with pytest.raises(IntegrityError):
            journal.append([draft(2), draft(1)])
    assert numbers(journal.append([draft(3)])) == [2]


WRITER = """
import sys
from chat.journal import journal, message_draft
for number in range(40):
    journal.append([
        message_draft(room, f"{sys.argv[1]}-{number}-{part}", sys.argv[1], "hello")
        # Half of the writers name the rooms in the other order.
        for room in (["a", "b"] if int(sys.argv[1]) % 2 else ["b", "a"])
        for part in range(3)
    ] + [message_draft("a", f"everybody-{number}", sys.argv[1], "hello")])
"""
READER = """
from chat.models import Message
for room in "ab":
    found = list(Message.objects.filter(room__name=room).order_by("seq").values_list("seq", flat=True))
    assert found == list(range(1, len(found) + 1)), found
    print(len(found))
"""


def test_processes_that_append_at_once_leave_no_gap_and_no_repeat(tmp_path):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in ("src", "services", "apps")),
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
    }

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, text=True)

    assert start(str(ROOT / "manage.py"), "migrate", "-v0").wait(60) == 0
    prelude = "import django; django.setup()\n"
    writers = [start("-c", prelude + WRITER, str(number)) for number in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    output, _ = start("-c", prelude + READER).communicate(timeout=60)
    assert output.split() == [str(4 * 40 * 3 + 40), str(4 * 40 * 3)]


@pytest.mark.django_db
def test_after_and_before_are_pages_in_order():
    fill(10)
    fill(3, "other")
    assert numbers(journal.after("lobby", 4)) == [5, 6, 7, 8, 9, 10]
    assert numbers(journal.after("lobby", 4, 2)) == [5, 6]
    assert numbers(journal.after("lobby", 10)) == []
    assert numbers(journal.before("lobby", 5)) == [1, 2, 3, 4]
    assert numbers(journal.before("lobby", 5, 2)) == [3, 4]
    assert numbers(journal.before("lobby", 1)) == []
    assert journal.after("empty", 0) == journal.before("empty", 9) == []


@pytest.mark.django_db
@pytest.mark.parametrize("seq", [2**63, 10**30])
def test_a_number_beyond_what_the_database_counts_is_beyond_the_head(seq):
    fill(2)
    assert journal.after("lobby", seq) == []
    assert numbers(journal.before("lobby", seq)) == [1, 2]


@pytest.mark.django_db
def test_newest_and_bounds():
    fill(5)
    messages, head = journal.newest("lobby", 3)
    assert (numbers(messages), head) == ([3, 4, 5], 5)
    assert journal.newest("empty", 3) == ([], 0)
    assert journal.bounds("lobby") == (5, 0)
    assert journal.bounds("empty") == (0, 0)


@pytest.mark.django_db
def test_a_removed_message_keeps_its_number_and_loses_its_text():
    fill(3)
    removed = remove(Message.objects.get(seq=2).pk)
    assert (removed.stream_name, removed.seq, removed.text, removed.is_removed) == ("lobby", 2, "", True)
    assert [(message.seq, message.text) for message in journal.after("lobby", 0)] == [
        (1, "hello"),
        (2, ""),
        (3, "hello"),
    ]
    first = Message.objects.get(seq=2).removed_at
    remove(Message.objects.get(seq=2).pk)
    assert Message.objects.get(seq=2).removed_at == first
    with pytest.raises(Message.DoesNotExist):
        remove(0)


READS = {
    "after": lambda: journal.after("lobby", 100),
    "before": lambda: journal.before("lobby", 100),
    "newest": lambda: journal.newest("lobby", 50),
    "heads": lambda: journal.heads(["lobby", "other"]),
    "bounds": lambda: journal.bounds("lobby"),
    "append": lambda: journal.append([draft(1), draft(2), draft(1, "other")]),
}


@pytest.mark.django_db
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_every_read_goes_by_an_index_and_sorts_nothing(read):
    """The planner's own word; on PostgreSQL it says what it would do with a table that is not tiny."""
    fill(3)
    fill(3, "other")
    with CaptureQueriesContext(connection) as captured:
        read()
    queries = [query["sql"] for query in captured if query["sql"].startswith(("SELECT", "UPDATE"))]
    assert queries
    for query in queries:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute(f"EXPLAIN QUERY PLAN {query}")
            else:
                cursor.execute("SET LOCAL enable_seqscan = off")
                cursor.execute("SET LOCAL enable_sort = off")
                cursor.execute(f"EXPLAIN {query}")
            plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
        assert "SCAN chat_" not in plan.replace("Seq Scan on", "SCAN"), plan
        assert not re.search(r"TEMP B-TREE|Sort Key: \S*seq", plan), plan
        assert "INDEX" in plan.upper() or "PRIMARY KEY" in plan, plan


@pytest.mark.django_db
def test_heads_of_many_rooms_are_one_query():
    names = [f"room-{number}" for number in range(1000)]
    Room.objects.bulk_create(Room(name=name, head=7) for name in names)
    with CaptureQueriesContext(connection) as captured:
        assert set(journal.heads(names).values()) == {7}
    assert len(captured) == 1
