"""The journal's guarantees: numbers without gap or repeat, no entry stored twice, every read by an index."""

import os
import re
import subprocess
import sys

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from deploy.local.stack import PYTHONPATH, ROOT
from tests.support.feed_stack import PROJECT, SETTINGS
from tests.support.feeds import Feed, Post, draft, journal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("feed_tables")]


def fill(count: int, feed: str = "news") -> list[Post]:
    return journal.append([draft(number, feed) for number in range(1, count + 1)])


def numbers(posts: list[Post]) -> list[int]:
    return [post.seq for post in posts]


def test_append_numbers_each_stream_from_one():
    assert numbers(journal.append([draft(1), draft(1, "other"), draft(2)])) == [1, 1, 2]
    assert numbers(journal.append([draft(3), draft(2, "other")])) == [3, 2]
    assert journal.heads(["news", "other", "empty"]) == {"news": 3, "other": 2, "empty": 0}


def test_append_and_after_return_the_stored_entry():
    (stored,) = journal.append([draft(7, "雑談", "こんにちは 👋")])
    (read,) = journal.after("雑談", 0)
    for post in (stored, read):
        assert (post.stream_name, post.seq, post.client_id, post.text) == ("雑談", 1, "id-7", "こんにちは 👋")
    assert read.sent_at == stored.sent_at
    assert (stored.is_new, read.is_new) == (True, False)


def test_append_of_a_known_id_stores_nothing():
    (first,) = journal.append([draft(1, text="first")])
    again, new = journal.append([draft(1, text="changed"), draft(2)])
    assert (again.seq, again.text, again.is_new) == (first.seq, "first", False)
    assert (new.seq, new.is_new) == (2, True)
    assert Post.objects.count() == 2


def test_append_of_an_id_twice_in_one_call_stores_it_once():
    one, two, other = journal.append([draft(1), draft(1, text="again"), draft(2)])
    assert one is two
    assert (one.seq, other.seq) == (1, 2)


def test_id_is_unique_in_its_stream_only():
    assert all(post.is_new for post in journal.append([draft(1, "a"), draft(1, "b")]))


def test_append_of_nothing_returns_nothing():
    fill(2)
    assert journal.append([]) == []


@pytest.mark.usefixtures("empty_feeds")
def test_append_finds_an_id_that_another_process_has_stored_meanwhile(monkeypatch):
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


@pytest.mark.usefixtures("empty_feeds")
def test_append_that_fails_takes_no_number(monkeypatch):
    fill(1)
    with monkeypatch.context() as patch:
        patch.setattr(journal, "_known", lambda *args: {})
        with pytest.raises(IntegrityError):
            journal.append([draft(2), draft(1)])
    assert numbers(journal.append([draft(3)])) == [2]


WRITER = """
import sys
from channels_live.journal import Draft
from feed.journal import journal
for number in range(40):
    journal.append([
        Draft(feed, f"{sys.argv[1]}-{number}-{part}", {"text": "hello"})
        # Half of the writers name the feeds in the other order.
        for feed in (["a", "b"] if int(sys.argv[1]) % 2 else ["b", "a"])
        for part in range(3)
    ] + [Draft("a", f"everybody-{number}", {"text": "hello"})])
"""
READER = """
from feed.models import Post
for feed in "ab":
    found = list(Post.objects.filter(feed__name=feed).order_by("seq").values_list("seq", flat=True))
    assert found == list(range(1, len(found) + 1)), found
    print(len(found))
"""


def test_processes_that_append_at_once_leave_no_gap_and_no_repeat(tmp_path):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), PYTHONPATH]),
        "DJANGO_SETTINGS_MODULE": SETTINGS["web"],
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


def test_after_and_before_return_pages_in_order():
    fill(10)
    fill(3, "other")
    assert numbers(journal.after("news", 4)) == [5, 6, 7, 8, 9, 10]
    assert numbers(journal.after("news", 4, 2)) == [5, 6]
    assert numbers(journal.after("news", 10)) == []
    assert numbers(journal.before("news", 5)) == [1, 2, 3, 4]
    assert numbers(journal.before("news", 5, 2)) == [3, 4]
    assert numbers(journal.before("news", 1)) == []
    assert journal.after("empty", 0) == journal.before("empty", 9) == []


@pytest.mark.parametrize("seq", [2**63, 10**30])
def test_number_beyond_the_range_of_the_database_is_beyond_the_head(seq):
    fill(2)
    assert journal.after("news", seq) == []
    assert numbers(journal.before("news", seq)) == [1, 2]


def test_newest_returns_the_last_entries_and_bounds_the_head():
    fill(5)
    posts, head = journal.newest("news", 3)
    assert (numbers(posts), head) == ([3, 4, 5], 5)
    assert journal.newest("empty", 3) == ([], 0)
    assert journal.bounds("news") == (5, 0)
    assert journal.bounds("empty") == (0, 0)


READS = {
    "after": lambda: journal.after("news", 100),
    "before": lambda: journal.before("news", 100),
    "newest": lambda: journal.newest("news", 50),
    "heads": lambda: journal.heads(["news", "other"]),
    "bounds": lambda: journal.bounds("news"),
    "append": lambda: journal.append([draft(1), draft(2), draft(1, "other")]),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_every_statement_uses_an_index_and_sorts_nothing(read):
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
        assert "SCAN feeds_" not in plan.replace("Seq Scan on", "SCAN"), plan
        assert not re.search(r"TEMP B-TREE|Sort Key: \S*seq", plan), plan
        assert "INDEX" in plan.upper() or "PRIMARY KEY" in plan, plan


def test_heads_of_many_streams_are_one_query():
    names = [f"feed-{number}" for number in range(1000)]
    Feed.objects.bulk_create(Feed(name=name, head=7) for name in names)
    with CaptureQueriesContext(connection) as captured:
        assert set(journal.heads(names).values()) == {7}
    assert len(captured) == 1
