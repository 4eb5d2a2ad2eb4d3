from django.db import models
from django.utils.translation import gettext_lazy as _

from channels_live.journal import Entry, Stream, entry_constraints


class Feed(Stream):
    """A feed of activities. Any name is a feed."""

    class Meta:
        verbose_name = _("feed")
        verbose_name_plural = _("feeds")


class Activity(Entry):
    """One activity of a person or a program."""

    feed = models.ForeignKey(Feed, models.CASCADE, db_index=False, verbose_name=_("feed"))
    actor = models.CharField(_("actor"), max_length=150)
    text = models.CharField(_("text"), max_length=200)

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        constraints = entry_constraints("feed")
