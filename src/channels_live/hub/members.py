"""The members that a process has in one topic, and the fan-out: the same bytes are written to each."""

import asyncio
import enum
import logging
from collections.abc import Iterable
from typing import Protocol

from channels_live.frames import pieces
from channels_live.layers.event import Event
from channels_live.observability import metrics

logger = logging.getLogger(__name__)

# Writes after which other tasks of the event loop have a turn: about 2 ms.
CHUNK = 256


class Socket(Protocol):
    """What the hub needs of a WebSocket; see channels_live.server.protocol."""

    is_connected: bool

    def write(self, data: bytes) -> None:
        """Send whole frames, or keep them while the client reads slowly."""

    async def send(self, data: bytes) -> None:
        """Send whole frames, and return when the client has taken them, or is gone."""

    def close_gracefully(self, code: int) -> None:
        """Close once what the client has sent is answered."""


class Member(Protocol):
    """A consumer in a topic. ``protocol`` says which of an event's frames it gets.

    ``seq`` is the number of the last event that it was sent while it was catching up; the hub sets it.
    """

    protocol: str
    seq: int
    socket: Socket


class MemberState(enum.Enum):
    """Where a member stands. It begins with CATCHING_UP, goes on with LIVE or AHEAD, and AHEAD becomes LIVE."""

    # Reads the journal, and gets no events; the newest of each state is kept for it.
    CATCHING_UP = enum.auto()
    # Has read more in the journal than live members were sent: gets only events later than its ``seq``.
    AHEAD = enum.auto()
    # Gets every event.
    LIVE = enum.auto()


class LiveSockets:
    """A set that is iterated over often, and may change at any moment, also during an iteration."""

    __slots__ = ("_frozen", "_set")

    def __init__(self) -> None:
        self._set: set[Socket] = set()
        self._frozen: tuple[Socket, ...] | None = None

    def __len__(self) -> int:
        return len(self._set)

    def __contains__(self, socket: Socket) -> bool:
        return socket in self._set

    def add(self, socket: Socket) -> None:
        self._set.add(socket)
        self._frozen = None

    def discard(self, socket: Socket) -> None:
        self._set.discard(socket)
        self._frozen = None

    def frozen(self) -> tuple[Socket, ...]:
        """Return the sockets of this moment; they are copied only after a change."""
        if self._frozen is None:
            self._frozen = tuple(self._set)
        return self._frozen


# A protocol, and the sockets that get its frames.
Audience = tuple[str, tuple[Socket, ...]]


class Members:
    """The members of one topic by their state. ``chunk`` is the number of writes after which other tasks have a turn.

    The state is where a member is kept. Of a live one only the socket is: a million idle members need no more.
    """

    __slots__ = ("_ahead", "_catching_up", "_chunk", "_kept_states", "_live", "_states_seen")

    def __init__(self, chunk: int = CHUNK) -> None:
        self._chunk = chunk
        # With the number of states that were published before they joined.
        self._catching_up: dict[Member, int] = {}
        self._ahead: set[Member] = set()
        self._live: dict[str, LiveSockets] = {}
        # Published while a member is catching up: the newest of each state, the oldest first, with its number.
        self._kept_states: dict[str, tuple[int, Event]] = {}
        self._states_seen = 0

    def __len__(self) -> int:
        return len(self._catching_up) + len(self._ahead) + sum(map(len, self._live.values()))

    def state(self, member: Member) -> MemberState | None:
        """Return the member's state, None where it is not in the topic."""
        if member in self._catching_up:
            return MemberState.CATCHING_UP
        if member in self._ahead:
            return MemberState.AHEAD
        sockets = self._live.get(member.protocol)
        return MemberState.LIVE if sockets and member.socket in sockets else None

    def join(self, member: Member) -> None:
        """Add a member, which is CATCHING_UP."""
        self._catching_up[member] = self._states_seen

    def go_live(self, member: Member, seq: int) -> None:
        """Make a member that is CATCHING_UP, if it still is, AHEAD or LIVE; ``seq`` is the topic's number.

        It is sent the states that were published since it joined.
        """
        states_before = self._catching_up.get(member)
        if states_before is None:
            return
        missed = [event for number, event in self._kept_states.values() if number > states_before]
        self._end_catching_up(member)
        _write_to(member, missed)
        if member.seq > seq:
            self._ahead.add(member)
        else:
            self._make_live(member)

    def leave(self, member: Member) -> None:
        """Remove a member, whatever its state; harmless where it is not in the topic."""
        match self.state(member):
            case MemberState.CATCHING_UP:
                self._end_catching_up(member)
            case MemberState.AHEAD:
                self._ahead.remove(member)
            case MemberState.LIVE:
                self._live[member.protocol].discard(member.socket)

    def sockets(self) -> list[Socket]:
        """Return the sockets of all members."""
        members = [member.socket for member in (*self._catching_up, *self._ahead)]
        return [*members, *(socket for sockets in self._live.values() for socket in sockets.frozen())]

    async def fan_out(self, events: list[Event], seq: int) -> None:
        """Write the events, the last of which made ``seq`` the topic's number, to all members.

        It takes as few writes as possible; each protocol gets its own frames, or none. Members that join during the
        writes have read these events in the journal.
        """
        for protocol, sockets in self._audiences(events, seq):
            for count, data in pieces(event.frames[protocol] for event in events if protocol in event.frames):
                metrics.count_sent(count * len(sockets), len(data) * len(sockets))
                await _write(data, sockets, self._chunk)
        for event in events:
            metrics.observe_delivery(event.published_at)

    def _audiences(self, events: list[Event], seq: int) -> list[Audience]:
        """Return the sockets of all live members, for the events up to the topic's number ``seq``.

        Members in the other states are served here: those AHEAD are sent their share and made LIVE when the topic has
        reached them; for those CATCHING_UP the states are kept.
        """
        if self._catching_up:
            self._keep_states(events)
        # Before those AHEAD become live. All protocols now: a member that goes live during the writes has read these
        # events in the journal.
        audiences = [(protocol, sockets.frozen()) for protocol, sockets in self._live.items()]
        for member in tuple(self._ahead):
            _write_to(member, [event for event in events if event.seq is None or event.seq > member.seq])
            if member.seq <= seq:
                self._ahead.remove(member)
                self._make_live(member)
        return audiences

    def _make_live(self, member: Member) -> None:
        self._live.setdefault(member.protocol, LiveSockets()).add(member.socket)

    def _end_catching_up(self, member: Member) -> None:
        del self._catching_up[member]
        if not self._catching_up:
            self._kept_states.clear()

    def _keep_states(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.state is not None:
                self._states_seen += 1
                self._kept_states.pop(event.state, None)
                self._kept_states[event.state] = self._states_seen, event


def _write_to(member: Member, events: list[Event]) -> None:
    for count, data in pieces(event.frames[member.protocol] for event in events if member.protocol in event.frames):
        metrics.count_sent(count, len(data))
        member.socket.write(data)


async def _write(data: bytes, sockets: tuple[Socket, ...], chunk: int) -> None:
    for begin in range(0, len(sockets), chunk):
        if begin:
            await asyncio.sleep(0)
        for socket in sockets[begin : begin + chunk]:
            try:
                socket.write(data)
            except Exception:
                logger.exception("Failed to deliver an event to a member")
