"""The journal of an app that is not the chat: what its models may have, and what the journal makes of it."""

import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection, models
from django.db.models import Q
from django.test.utils import CaptureQueriesContext, isolate_apps
from django.utils import timezone

from channels_live.journal import Draft, Entry, Journal, Stream, entry_constraints
from deploy.local.stack import ROOT
from tests.support.feeds import Feed, Post, journal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("feed_tables")]


def draft(number: int, stream: str = "news", **fields: object) -> Draft:
    return Draft(stream, f"id-{number}", {"text": f"post {number}", **fields})


def test_append_stores_every_concrete_field_of_the_subclass():
    (origin,) = Feed.objects.bulk_create([Feed(name="origin")])
    begun = timezone.now()
    given = draft(1, note="a note", kind="fancy", data={"a": [1, None]}, weight=9, origin=origin)
    full, bare = journal.append([given, draft(2)])
    assert (full.seq, bare.seq, full.stream_name, full.is_new) == (1, 2, "news", True)
    stored, defaulted = Post.objects.order_by("seq")
    assert (stored.note, stored.kind, stored.data, stored.weight) == ("a note", "fancy", {"a": [1, None]}, 9)
    assert (stored.origin_id, stored.token, stored.length) == (origin.pk, full.token, len("post 1"))
    assert (defaulted.note, defaulted.kind, defaulted.data, defaulted.weight) == (None, "plain", {}, 7)
    assert (defaulted.origin_id, defaulted.token) == (None, bare.token)
    assert stored.token != defaulted.token
    assert begun <= stored.stored_at <= timezone.now()
    assert begun <= stored.sent_at == full.sent_at == bare.sent_at


def test_append_of_a_batch_is_one_insert():
    journal.append([draft(0)])
    with CaptureQueriesContext(connection) as captured:
        journal.append([draft(number, data={"number": number}) for number in range(1, 51)])
    assert [query["sql"].split()[0] for query in captured] == ["SAVEPOINT", "UPDATE", "INSERT", "RELEASE"]
    assert [post.data for post in journal.after("news", 1)] == [{"number": number} for number in range(1, 51)]


def test_the_first_entry_makes_its_stream_with_the_defaults_of_its_fields():
    journal.append([draft(1), draft(1, "other")])
    assert {(feed.name, feed.owner, feed.head) for feed in Feed.objects.all()} == {
        ("news", "nobody", 1),
        ("other", "nobody", 1),
    }


def test_append_of_a_known_id_returns_the_stored_entry():
    journal.append([draft(1)])
    again, new = journal.append([draft(1, text="changed"), draft(2)])
    assert (again.seq, again.text, again.is_new, again.stream_name) == (1, "post 1", False, "news")
    assert (new.seq, new.is_new) == (2, True)
    assert again.is_of(draft(1))
    assert not again.is_of(draft(1, text="changed"))


def test_change_keeps_the_number_and_is_made_only_where_its_condition_holds():
    journal.append([draft(1), draft(2)])
    pk = Post.objects.get(seq=2).pk
    changed = journal.change(pk, {"text": "edited", "note": "why"}, where=Q(note=None))
    assert (changed.seq, changed.text, changed.stream_name) == (2, "edited", "news")
    assert journal.change(pk, {"text": "again"}, where=Q(note=None)).text == "edited"
    assert [post.text for post in journal.after("news", 0)] == ["post 1", "edited"]
    with pytest.raises(Post.DoesNotExist):
        journal.change(0, {"text": "x"})


def test_prune_deletes_the_oldest_and_numbers_go_on():
    journal.append([draft(number) for number in range(5)])
    Post.objects.filter(seq__lte=3).update(sent_at=timezone.now() - timedelta(days=2))
    assert list(journal.prune(timezone.now() - timedelta(days=1)).values()) == [3]
    assert journal.bounds_of(["news", "empty"]) == {"news": (5, 3), "empty": (0, 0)}
    assert journal.append([draft(9)])[0].seq == 6


def fill_with_ages(*days: float) -> None:
    """Append a post for each age, in the order of their numbers."""
    for post, age in zip(journal.append([draft(number) for number in range(len(days))]), days, strict=True):
        Post.objects.filter(seq=post.seq).update(sent_at=timezone.now() - timedelta(days=age))


def test_prune_leaves_no_gap_where_sent_at_is_out_of_order():
    fill_with_ages(40, 1, 40, 1)
    journal.prune(timezone.now() - timedelta(days=30))
    assert [post.seq for post in journal.after("news", 0)] == [4]
    assert journal.bounds("news") == (4, 3)


def test_prune_deletes_in_batches():
    fill_with_ages(*[40] * 25, 1)
    in_batches = Journal(Post, prune_batch=10)
    with CaptureQueriesContext(connection) as captured:
        assert list(in_batches.prune(timezone.now() - timedelta(days=30)).values()) == [25]
    assert sum("DELETE" in query["sql"] for query in captured) == 3
    assert journal.bounds("news") == (26, 25)
    assert in_batches.prune(timezone.now() - timedelta(days=30)) == {}


def test_interrupted_prune_has_recorded_what_it_deleted():
    """Each batch and its ``pruned_to`` are one transaction."""

    class Interrupted(Journal[Post]):
        batches = 0

        def _prune_one_batch(self, stream: int, last: int) -> int:
            self.batches += 1
            if self.batches > 2:
                raise KeyboardInterrupt
            return super()._prune_one_batch(stream, last)

    fill_with_ages(*[40] * 25)
    with pytest.raises(KeyboardInterrupt):
        Interrupted(Post, prune_batch=10).prune(timezone.now() - timedelta(days=30))
    assert journal.bounds("news") == (25, 20)
    assert [post.seq for post in journal.after("news", 0)] == [21, 22, 23, 24, 25]


def test_group_is_one_that_the_channel_layer_takes_and_no_other_journal_has():
    assert journal.group("雑" * 64).startswith("feeds.post.")
    assert journal.group("雑" * 64).isascii()
    assert len(journal.group("雑" * 64)) < 100
    assert journal.group("a") != journal.group("A")


def ids(model: type[Entry]) -> list[str]:
    return [error.id for error in model.check() if error.id.startswith("channels_live.")]


@isolate_apps("accounts")
def test_check_tells_what_an_entry_lacks():
    class Lane(Stream):
        class Meta:
            app_label = "accounts"

    class Fine(Entry):
        lane = models.ForeignKey(Lane, models.CASCADE, db_index=False)

        class Meta:
            app_label = "accounts"
            constraints = entry_constraints("lane")

    class WithoutKey(Entry):
        class Meta:
            app_label = "accounts"

    class WithoutConstraints(Entry):
        lane = models.ForeignKey(Lane, models.CASCADE)

        class Meta:
            app_label = "accounts"

    class WithoutIds(Entry):
        lane = models.ForeignKey(Lane, models.CASCADE)

        class Meta:
            app_label = "accounts"
            constraints = entry_constraints("lane")[:1]

    assert [ids(model) for model in (Fine, WithoutKey, WithoutConstraints, WithoutIds)] == [
        [],
        ["channels_live.E001"],
        ["channels_live.E001"],
        ["channels_live.E002"],
    ]
    assert [constraint.name for constraint in Fine._meta.constraints] == [
        "accounts_fine_lane_seq",
        "accounts_fine_lane_client_id",
    ]
    # What only the database chooses is not known when the entry is published.
    assert ids(Post) == ["channels_live.E003"]


PROGRAM = """
import sys
import django
django.setup()
import channels_live.journal, web.urls
from prometheus_client import REGISTRY
print([metric.name for metric in REGISTRY.collect() if metric.name.startswith(("journal_", "hub_", "websocket_"))])
# Not twisted, which structlog imports where it is installed.
print(sorted({name.partition(".")[0] for name in sys.modules} & {"autobahn", "daphne"}))
"""


def test_in_web_the_journal_brings_neither_metrics_of_ws_nor_its_server():
    environment = {"PYTHONPATH": f"{ROOT}/src:{ROOT}/services:{ROOT}/apps", "DJANGO_SETTINGS_MODULE": "web.settings"}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.splitlines() == ["[]", "[]"]
