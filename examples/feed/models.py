from django.db import models

from channels_live.journal import Entry, Stream, entry_constraints


class Feed(Stream):
    """A feed of activities. Any name is a feed."""


class Activity(Entry):
    """What somebody did."""

    feed = models.ForeignKey(Feed, models.CASCADE, db_index=False)
    actor = models.CharField(max_length=150)
    text = models.CharField(max_length=200)

    class Meta:
        constraints = entry_constraints("feed")
