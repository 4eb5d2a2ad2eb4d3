"""The votes as the hub reads them: a topic is a poll, and each event is the whole result of that moment."""

import json
from collections.abc import Collection
from functools import partial

from django.db.models import Count

from channels_live.hub import Event
from channels_live.journal import journal_epoch
from poll.models import Vote


def record(poll: str, voter: str, is_yes: bool) -> Event:
    """Store a vote, unless the voter has one already, and return the result."""
    Vote.objects.get_or_create(poll=poll, voter=voter, defaults={"is_yes": is_yes})
    return result(poll)


def result(poll: str) -> Event:
    """Return the number of votes for ``true`` and ``false``. The event's number is 1, and 1 more for each vote."""
    counts = dict(Vote.objects.filter(poll=poll).values_list("is_yes").annotate(Count("pk")))
    return Event({"": json.dumps(counts)}, 1 + sum(counts.values()))


class Votes:
    """The Source of the hub (see channels_live.hub.Source)."""

    def group(self, topic: str) -> str:
        return f"poll.{topic}"

    epoch = staticmethod(partial(journal_epoch, Vote))

    def heads(self, topics: Collection[str]) -> dict[str, int]:
        counts = dict(Vote.objects.filter(poll__in=topics).values_list("poll").annotate(Count("pk")))
        return {topic: 1 + counts.get(topic, 0) for topic in topics}

    def after(self, topic: str, seq: int) -> list[Event]:
        return [result(topic)] if self.heads([topic])[topic] > seq else []
