"""The layout of messages in a page: by day, and in groups of one author. message_log.js does the same in the browser."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.utils.timezone import localdate

from chat.journal import Stored

GROUP_GAP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Line:
    """A message. It ``starts_day`` in the server's time zone, or ``follows`` another of its author's."""

    message: Stored
    starts_day: bool
    follows: bool


def lines(messages: Iterable[Stored]) -> Iterator[Line]:
    """Lay out consecutive messages, oldest first."""
    previous: Stored | None = None
    for message in messages:
        starts_day = previous is None or localdate(previous.sent_at) != localdate(message.sent_at)
        follows = (
            previous is not None
            and not starts_day
            and previous.author == message.author
            and message.sent_at - previous.sent_at < GROUP_GAP
        )
        yield Line(message, starts_day, follows)
        previous = message
