"""The members that a process has in one topic, and the fan-out to them."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from channels_live.frames import pieces
from channels_live.observability import metrics

logger = logging.getLogger(__name__)

# Writes after which others have a turn: about 2 ms.
CHUNK = 256
# Early events that are kept while a gap is open; what is dropped beyond is read from the journal.
MAX_EARLY = 1000
# Events that go out as one write.
MAX_BATCH = 500


@dataclass(frozen=True, slots=True)
class Event:
    """What members get: one text per protocol. Without a ``seq`` it is not kept, and not missed.

    ``published_at`` is the Unix time at which it was sent to the channel layer, None for one from the journal.
    ``state`` names what an event without a ``seq`` tells the newest of, such as presence: a member that catches up
    meanwhile is given the newest of each when it goes live. Without a state too, it is for those who are live.
    ``altered`` says of one from the journal that its frames are not those with which it was published, such as of a
    message that was removed.
    """

    frames: Mapping[str, str]
    seq: int | None = None
    published_at: float | None = None
    state: str | None = None
    altered: bool = False

    def digest(self) -> int:
        """Return a number by which events with the same ``seq`` are told apart."""
        return hash(tuple(self.frames.values()))


class Socket(Protocol):
    """See channels_live.server.protocol."""

    is_connected: bool

    def write(self, data: bytes) -> None:
        """Send whole frames, or keep them while the client reads slowly."""

    async def send(self, data: bytes) -> None:
        """Send whole frames, and return when the client has taken them, or is gone."""

    def close_gracefully(self, code: int) -> None:
        """Close once what the client has sent is answered."""


class Member(Protocol):
    """Who hears a topic. ``seq`` is the last number it was given while it caught up."""

    protocol: str
    seq: int
    socket: Socket


class Sockets:
    """A set that is iterated over often and changed at any moment, also meanwhile."""

    def __init__(self) -> None:
        self._set: set[Socket] = set()
        self._frozen: tuple[Socket, ...] | None = None

    def __len__(self) -> int:
        return len(self._set)

    def add(self, socket: Socket) -> None:
        self._set.add(socket)
        self._frozen = None

    def discard(self, socket: Socket) -> None:
        self._set.discard(socket)
        self._frozen = None

    def frozen(self) -> tuple[Socket, ...]:
        """Return the members of this moment; it is copied only after a change."""
        if self._frozen is None:
            self._frozen = tuple(self._set)
        return self._frozen


class Topic:
    """A topic with members in this process. ``seq`` is the number of the last event given to live members."""

    def __init__(self, name: str, group: str) -> None:
        self.name = name
        self.group = group
        self.seq = 0
        # Which journal the number is of (Source.epoch), and what the live members were given with it last.
        self.epoch: str | None = None
        self.last: int | None = None
        # Somebody published a number that was there before: the journal may have gone back.
        self.is_doubted = False
        self.inbox: deque[Event] = deque()
        self.early: dict[int, Event] = {}
        self.opened: asyncio.Task[None] | None = None
        self.draining: asyncio.Task[None] | None = None
        self.repairing: asyncio.Task[None] | None = None
        self._live: dict[str, Sockets] = {}
        # Those who read the journal, with the number of states that were told before they came; and those who found
        # more in it than the live members were given.
        self._catching_up: dict[Member, int] = {}
        self._ahead: set[Member] = set()
        # Told while somebody catches up: the newest of each state, the oldest first, with its number.
        self._states: dict[str, tuple[int, Event]] = {}
        self._states_told = 0

    def next_events(self) -> list[Event]:
        """Take from the inbox what comes next, and keep what comes early."""
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
                shown = last.digest() if last else self.last
                if event.seq < self.seq or not (event.altered or shown in (None, event.digest())):
                    self.is_doubted = True
        if last:
            self.last = last.digest()
        return events

    def sockets(self) -> list[Socket]:
        """Return the sockets of all members."""
        members = [member.socket for member in (*self._catching_up, *self._ahead)]
        return [*members, *(socket for sockets in self._live.values() for socket in sockets.frozen())]

    def __len__(self) -> int:
        return len(self._catching_up) + len(self._ahead) + sum(map(len, self._live.values()))

    def join(self, member: Member) -> None:
        """Take in a member that does not hear events yet."""
        self._catching_up[member] = self._states_told

    def go_live(self, member: Member) -> None:
        """Let the member hear every event later than its ``seq``, which is the topic's or later.

        It is given the states that were told since it joined.
        """
        known = self._catching_up.get(member)
        if known is None:
            return
        news = [event for number, event in self._states.values() if number > known]
        self._end_catching_up(member)
        _give(member, news)
        self._place(member)

    def leave(self, member: Member) -> None:
        """Forget a member, if it is one."""
        self._end_catching_up(member)
        self._ahead.discard(member)
        if sockets := self._live.get(member.protocol):
            sockets.discard(member.socket)

    def _place(self, member: Member) -> None:
        if member.seq > self.seq:
            self._ahead.add(member)
        else:
            self._live.setdefault(member.protocol, Sockets()).add(member.socket)

    def _end_catching_up(self, member: Member) -> None:
        self._catching_up.pop(member, None)
        if not self._catching_up:
            self._states.clear()

    def _keep_states(self, events: list[Event]) -> None:
        for event in events:
            if event.state is not None:
                self._states_told += 1
                self._states.pop(event.state, None)
                self._states[event.state] = self._states_told, event

    async def fan_out(self, events: list[Event]) -> None:
        """Give the events to all members, as few writes as may be. ``seq`` is that of the last event already."""
        # All of them now: who goes live during the writes has read these events in the journal.
        if self._catching_up:
            self._keep_states(events)
        audiences = [(protocol, sockets.frozen()) for protocol, sockets in self._live.items()]
        for member in tuple(self._ahead):
            self._give_later_ones(member, events)
        for protocol, sockets in audiences:
            for count, data in pieces(event.frames[protocol] for event in events if protocol in event.frames):
                metrics.count_sent(count * len(sockets), len(data) * len(sockets))
                await _write(data, sockets)
        for event in events:
            metrics.observe_delivery(event.published_at)

    def _give_later_ones(self, member: Member, events: list[Event]) -> None:
        _give(member, [event for event in events if event.seq is None or event.seq > member.seq])
        if member.seq <= self.seq:
            self._ahead.remove(member)
            self._place(member)


def _give(member: Member, events: list[Event]) -> None:
    for count, data in pieces(event.frames[member.protocol] for event in events if member.protocol in event.frames):
        metrics.count_sent(count, len(data))
        member.socket.write(data)


async def _write(data: bytes, sockets: tuple[Socket, ...]) -> None:
    for begin in range(0, len(sockets), CHUNK):
        if begin:
            await asyncio.sleep(0)
        for socket in sockets[begin : begin + CHUNK]:
            try:
                socket.write(data)
            except Exception:
                logger.exception("A member could not be given an event")
