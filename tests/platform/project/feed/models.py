from django.db import models

from channels_live.journal import Entry, Stream, entry_constraints


class Feed(Stream):
    """A feed. Any name is one."""


class Post(Entry):
    """One post of a feed."""

    feed = models.ForeignKey(Feed, models.CASCADE, db_index=False)
    text = models.TextField(max_length=16_000)

    class Meta:
        constraints = entry_constraints("feed")
