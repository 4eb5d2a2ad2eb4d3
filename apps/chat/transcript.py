"""The layout of messages in a page: by day, and in groups of one author, as message_log.js has it in the browser."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.utils.timezone import localdate

from chat.models import Message

GROUP_GAP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Line:
    """A message. It ``starts_day`` in the server's time zone, or ``follows`` another of its author's."""

    message: Message
    starts_day: bool
    follows: bool


def lines(messages: Iterable[Message]) -> Iterator[Line]:
    """Lay out consecutive messages, oldest first."""
    previous: Message | None = None
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
