"""An app of the tests' own with a journal, and its tables."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.db import connection, models
from django.db.models import Value

from channels_live.journal import Draft, Entry, Journal, Stream, entry_constraints


class Feed(Stream):
    owner = models.CharField(max_length=50, default="nobody")

    class Meta:
        app_label = "feeds"


class Post(Entry):
    feed = models.ForeignKey(Feed, models.CASCADE, db_index=False)
    # Not its stream.
    origin = models.ForeignKey(Feed, models.SET_NULL, null=True, related_name="+")
    text = models.CharField(max_length=20)
    note = models.CharField(max_length=20, null=True)  # noqa: DJ001  # the nullable column
    kind = models.CharField(max_length=20, default="plain")
    token = models.UUIDField(default=uuid.uuid4)
    data = models.JSONField(default=dict)
    stored_at = models.DateTimeField(auto_now_add=True)
    weight = models.IntegerField(db_default=Value(7))
    length = models.GeneratedField(
        expression=models.functions.Length("text"), output_field=models.IntegerField(), db_persist=True
    )

    class Meta:
        app_label = "feeds"
        constraints = entry_constraints("feed")


journal = Journal(Post)


def content(post: Post) -> Mapping[str, Any]:
    return {"text": post.text}


def draft(number: int, feed: str = "news", text: str = "hello", **fields: Any) -> Draft:
    """Return a post's draft, whose id is of its number."""
    return Draft(feed, f"id-{number}", {"text": text, **fields})


@pytest.fixture(scope="module")
def feed_tables(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The tables of the feeds, which are no installed app: without migrations, and never flushed by Django."""
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            editor.create_model(Feed)
            editor.create_model(Post)
        yield
        with connection.schema_editor() as editor:
            editor.delete_model(Post)
            editor.delete_model(Feed)


@pytest.fixture
def empty_feeds(feed_tables: None, transactional_db: None) -> Iterator[None]:
    """Delete at the end what a test has committed."""
    yield
    for model in (Post, Feed):
        model.objects.all().delete()
