"""A topic with members in this process: the order of its events, and the repair of its gaps."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from channels_live.hub.journal_reader import JournalReader
from channels_live.hub.members import Member, Members, MemberState, Socket
from channels_live.layers.event import Event
from channels_live.observability import metrics
from channels_live.observability.logs import first_line

logger = logging.getLogger(__name__)

# Two processes publish consecutive numbers at nearly the same time, so the later may arrive first.
GAP_SECONDS = 0.05
# Before every number.
NOTHING = -1
# Early events that are kept while a gap is open; what is dropped beyond is read from the journal.
MAX_EARLY = 1000
# Events that are taken at once, and go out as one write.
MAX_BATCH = 500


class Ordering:
    """Puts events in the order of their numbers, each once: the channel layer may lose, repeat and reorder them.

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


class Topic:
    """Receives the events of a topic, and gives them to its members in order, each once.

    What is missing is read from the journal after ``gap_seconds``. ``on_rewind`` is called with the topic and the
    highest number that is still valid, -1 for none, where the members were sent events that are not in the journal;
    the topic is of no use then. Events that come within ``coalesce`` seconds go out together.
    """

    __slots__ = (
        "_coalesce",
        "_draining",
        "_epoch",
        "_gap_seconds",
        "_journal",
        "_members",
        "_on_rewind",
        "_opening",
        "_order",
        "_repairing",
        "group",
        "name",
    )

    def __init__(
        self,
        name: str,
        group: str,
        journal: JournalReader,
        on_rewind: Callable[["Topic", int], None],
        *,
        coalesce: float = 0.0,
        gap_seconds: float = GAP_SECONDS,
    ) -> None:
        self.name = name
        self.group = group
        self._journal = journal
        self._on_rewind = on_rewind
        self._coalesce = coalesce
        self._gap_seconds = gap_seconds
        self._members = Members()
        self._order = Ordering()
        # Which journal the numbers are of (Source.epoch); None until the head was read.
        self._epoch: str | None = None
        self._opening: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._repairing: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._members)

    @property
    def seq(self) -> int:
        """The number of the last event that live members were given."""
        return self._order.seq

    @property
    def is_open(self) -> bool:
        """Whether the topic knows its number in the journal."""
        return self._epoch is not None

    def open(self, join: Callable[[str], Awaitable[None]]) -> None:
        """Begin to join the group with ``join``, then read the head; ``opened`` waits for it."""
        self._opening = asyncio.create_task(self._open(join))

    async def opened(self) -> None:
        """Return when the topic knows its number; raises what the source raises."""
        assert self._opening
        if not self._opening.done() or self._opening.exception():
            await asyncio.shield(self._opening)

    async def _open(self, join: Callable[[str], Awaitable[None]]) -> None:
        # The group first, so that nothing falls between the two. Without Redis the topic opens all the same, and is
        # served by polling.
        await join(self.group)
        self._epoch, self._order.seq = await self._journal.head(self.name)

    def stop(self) -> None:
        """End what the topic does in the background."""
        for task in (self._repairing, self._draining):
            if task and task is not asyncio.current_task():
                task.cancel()

    # Members

    def join(self, member: Member) -> None:
        """Add a member that does not get events yet."""
        self._members.join(member)

    def go_live(self, member: Member) -> None:
        """Give the member every event later than its ``seq``, up to which it has read the journal."""
        self._members.go_live(member, self._order.seq)
        if member.seq < self._order.seq and member.socket.is_connected:
            self.doubt()  # the journal ends before the topic

    def leave(self, member: Member) -> None:
        """Remove a member; harmless where it is none."""
        self._members.leave(member)

    def state(self, member: Member) -> MemberState | None:
        """Return the member's state, None where it is not in the topic."""
        return self._members.state(member)

    def sockets(self) -> list[Socket]:
        """Return the sockets of all members."""
        return self._members.sockets()

    # Events

    def receive(self, event: Event) -> None:
        """Give the event to the members when it is its turn."""
        self._order.inbox.append(event)
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())

    async def drained(self) -> None:
        """Return when every received event was given to the members, or waits behind a gap."""
        while self._draining and not self._draining.done():
            await asyncio.wait([self._draining])

    async def _drain(self) -> None:
        assert self._opening
        if not self._opening.done():
            await asyncio.wait([self._opening])
        order = self._order
        while order.inbox:
            if self._coalesce:
                await asyncio.sleep(self._coalesce)
            events = order.take()
            if order.early or order.is_doubted:
                self._repair_soon()
            if events:
                await self._members.fan_out(events, order.seq)

    # Repair

    def compare(self, seq: int, epoch: str, head: int) -> None:
        """Act on the journal's epoch and head, which were read while the topic's number was ``seq`` or higher."""
        valid = self._last_valid(seq, epoch, head)
        if valid is not None:
            self._on_rewind(self, valid)
        elif head > self._order.seq:
            metrics.POLLING_REPAIRS.inc()
            self._repair_soon()
        elif self._order.is_doubted:
            # A doubt that came while another was examined, or for which the database did not answer.
            self._repair_soon()

    def doubt(self) -> None:
        """Ask the journal soon whether it is behind the topic, or has something else under the topic's number."""
        self._order.is_doubted = True
        self._repair_soon()

    def _last_valid(self, seq: int, epoch: str, head: int) -> int | None:
        """Return the highest number that is valid where the topic is beyond its journal, else None.

        ``seq`` is the topic's number before the read: a published event was committed, so the journal must hold it.
        """
        if head < seq:
            return head
        return NOTHING if epoch != self._epoch else None

    def _repair_soon(self) -> None:
        if self._repairing is None or self._repairing.done():
            self._repairing = asyncio.create_task(self._repair())

    async def _repair(self) -> None:
        """Wait a moment for what is missing, then read it from the journal, unless that has gone back."""
        order, missing = self._order, self._order.seq + 1
        await asyncio.sleep(self._gap_seconds)
        if order.seq >= missing and not order.early and not order.is_doubted:
            return
        is_gap = bool(order.early) or not order.is_doubted
        metrics.GAPS.inc(is_gap)
        try:
            if (valid := await self._examine()) is not None:
                self._on_rewind(self, valid)
                return
            while events := await self._journal.missing(self.name, order.seq):
                order.skip_to(events[0].seq or 0)
                for event in events:
                    self.receive(event)
                await self.drained()
            metrics.GAPS_REPAIRED.inc(is_gap)
        except Exception as error:
            logger.warning("Gap not filled, retrying at the next poll: %s", first_line(error))

    async def _examine(self) -> int | None:
        """Return the highest number that is valid where the topic is beyond its journal, else None.

        Where the topic is doubted, the journal's event with its number is compared too. Early events that nobody has
        committed are dropped.
        """
        order = self._order
        is_doubted, order.is_doubted = order.is_doubted, False
        try:
            seq, digest, early = order.seq, order.last_digest, tuple(order.early)
            epoch, head = await self._journal.head(self.name)
            order.discard_early(number for number in early if number > head)
            valid = self._last_valid(seq, epoch, head)
            if valid is None and is_doubted and digest is not None:
                stored = await self._journal.event(self.name, seq)
                if stored and not stored.altered and stored.digest() != digest:
                    return seq - 1
            return valid
        except BaseException:
            order.is_doubted |= is_doubted
            raise
