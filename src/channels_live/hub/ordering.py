"""The order of a topic's events, which the channel layer may lose, repeat and reorder."""

from collections import deque
from collections.abc import Iterable

from channels_live.layers.event import Event

# Early events that are kept while a gap is open; what is dropped beyond is read from the journal.
MAX_EARLY = 1000
# Events that are taken at once, and go out as one write.
MAX_BATCH = 500


class Ordering:
    """Puts events in the order of their numbers, each once.

    ``seq`` is the number of the last event taken. ``inbox`` holds received events, ``early`` those behind a gap by
    their number. ``last_digest`` is that of the event ``seq``, None before the first. ``is_doubted`` says that the
    journal may have gone back: a number came again that was taken already.
    """

    __slots__ = ("early", "inbox", "is_doubted", "last_digest", "seq")

    def __init__(self) -> None:
        self.seq = 0
        self.inbox: deque[Event] = deque()
        self.early: dict[int, Event] = {}
        self.last_digest: int | None = None
        self.is_doubted = False

    def take(self) -> list[Event]:
        """Take from the inbox the events that are next, and keep those that are early.

        Events without a number are always next. Those that come again are dropped; where one differs from what was
        taken under its number, the topic is doubted.
        """
        events: list[Event] = []
        last: Event | None = None
        while self.inbox and len(events) < MAX_BATCH:
            event = self.inbox.popleft()
            if event.seq is None:
                events.append(event)
            elif event.seq == self.seq + 1:
                events.append(last := event)
                self.seq += 1
                while following := self.early.pop(self.seq + 1, None):
                    events.append(last := following)
                    self.seq += 1
            elif event.seq > self.seq:
                if len(self.early) < MAX_EARLY:
                    self.early[event.seq] = event
            else:
                taken = last.digest() if last else self.last_digest
                if event.seq < self.seq or not (event.altered or taken in (None, event.digest())):
                    self.is_doubted = True
        if last:
            self.last_digest = last.digest()
        return events

    def skip_to(self, seq: int) -> None:
        """Have the event with this number taken next, if it is not behind; retention removed those before it."""
        self.seq = max(self.seq, seq - 1)
        self.early = {number: event for number, event in self.early.items() if number > self.seq}

    def discard_early(self, numbers: Iterable[int]) -> None:
        """Forget early events that are not in the journal."""
        for number in numbers:
            self.early.pop(number, None)
