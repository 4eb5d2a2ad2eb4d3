"""Writers and readers in several rooms, which record what they receive."""

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from channels_live.testing import DeliveryCount, count_deliveries
from tests.support.client import FEED, Client, Protocol

ROOMS, WRITERS, READERS = 4, 8, 10
MEMBERS = ROOMS * (WRITERS + READERS)
# Seconds between messages of a writer: about 200 messages per second in all, with 18 deliveries each.
INTERVAL = 0.15
CONNECT_SECONDS = 30
SETTLE_SECONDS = 45
JOURNAL_SECONDS = 15
# A member receives a message every 50 ms; on a busy machine a delay of 0.1 s is usual.
SLOW_SECONDS = 0.5
Pause = tuple[float, float]
_rooms = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one fault: what was injected, and what the members observed. Times are in seconds."""

    fault: str
    count: DeliveryCount
    messages: int
    # Never acknowledged, or acknowledged with two sequence numbers: both must be 0.
    unacknowledged: int
    changed: int
    # Observations of the fault itself.
    note: str | None
    # Seconds in which a member waited for longer than SLOW_SECONDS, and the longest time without a delivery.
    slow: float
    longest_silence: float
    longest_acknowledgement: float
    close_codes: Counter[int]
    failed_handshakes: Counter[str]
    refusals: Counter[str]

    @property
    def is_clean(self) -> bool:
        return self.count.is_clean and not self.unacknowledged and not self.changed


class Load:
    """ROOMS rooms with WRITERS writers and READERS readers each, connected through nginx until the end."""

    def __init__(self, url: str, protocol: Protocol = FEED) -> None:
        self._url = url
        self._protocol = protocol
        # Numbered, because a second load of the same stack needs empty rooms.
        self.rooms = [f"load-{next(_rooms)}" for _ in range(ROOMS)]
        self.writers = [
            Client(url, room, f"writer-{number}", protocol=protocol) for room in self.rooms for number in range(WRITERS)
        ]
        self.readers = [
            Client(url, room, f"reader-{number}", protocol=protocol) for room in self.rooms for number in range(READERS)
        ]
        self._stack = contextlib.AsyncExitStack()
        self._writing: list[asyncio.Task[None]] = []
        self._is_writing = True

    @property
    def members(self) -> list[Client]:
        return [*self.writers, *self.readers]

    @property
    def deliveries(self) -> int:
        return sum(len(member.deliveries) for member in self.members)

    async def __aenter__(self) -> "Load":
        try:
            for member in self.members:
                await self._stack.enter_async_context(member)
            for member in self.members:
                await member.wait_for(lambda member=member: member.is_online, CONNECT_SECONDS)
        except BaseException:
            await self._stack.aclose()
            raise
        self._writing = [asyncio.create_task(self._write(writer)) for writer in self.writers]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.fall_silent()
        await self._stack.aclose()

    async def reach(self, deliveries: int, seconds: float = 60) -> None:
        """Wait until the members have received this number of messages in all; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while self.deliveries < deliveries:
                await self._news()

    async def fall_silent(self) -> None:
        """Stop the writers."""
        self._is_writing = False
        # Not cancelled, because a message that is queued but not sent yet would be lost.
        await asyncio.gather(*self._writing)

    async def settle(self) -> None:
        """Stop writing, and wait until all messages are acknowledged and delivered, at most SETTLE_SECONDS.

        The checker counts missing ones.
        """
        await self.fall_silent()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                while any(writer.unacknowledged for writer in self.writers):
                    await self._news()
                heads = {room: self._head(room) for room in self.rooms}
                while any(member.seq < heads[member.room] for member in self.members):
                    await self._news()

    async def outcome(self, fault: str, note: str | None = None) -> Outcome:
        """Settle, read the journal of every room, and check all deliveries."""
        await self.settle()
        total = DeliveryCount()
        for room in self.rooms:
            members = [member for member in self.members if member.room == room]
            async with Client(self._url, room, "journal", protocol=self._protocol) as journal:
                last = self._head(room)
                with contextlib.suppress(TimeoutError):
                    await journal.wait_for(lambda journal=journal, last=last: journal.seq >= last, JOURNAL_SECONDS)
            total += count(*members, journal)
        return Outcome(
            fault,
            total,
            sum(len(writer.acknowledged) for writer in self.writers),
            sum(len(writer.unacknowledged) for writer in self.writers),
            sum(len(writer.renumbered) for writer in self.writers),
            note,
            _union(pause for member in self.members for pause in _pauses(member) if _length(pause) > SLOW_SECONDS),
            max((_length(pause) for member in self.members for pause in _pauses(member)), default=0.0),
            max(
                (at - writer.sent_at[message_id] for writer in self.writers for message_id, at in _acks(writer)),
                default=0.0,
            ),
            _sum(self.members, lambda member: member.close_codes),
            _sum(self.members, lambda member: member.failed_handshakes),
            _sum(self.members, lambda member: Counter(refusal.code for refusal in member.refusals)),
        )

    def _head(self, room: str) -> int:
        return max(max(writer.acknowledged.values(), default=0) for writer in self.writers if writer.room == room)

    async def _write(self, writer: Client) -> None:
        # At a random time each, so that the writers do not write simultaneously.
        await asyncio.sleep(random.uniform(0, INTERVAL))
        for number in itertools.count():
            if not self._is_writing:
                return
            await writer.say(f"{writer.name}: message {number}")
            await asyncio.sleep(INTERVAL)

    async def _news(self) -> None:
        await asyncio.sleep(0.02)


def count(*members: Client) -> DeliveryCount:
    """Check the records of the members of one room, which received from its first message on."""
    written = [entry for member in members for entry in member.written()]
    return count_deliveries(written, {member.name: member.deliveries for member in members})


def _pauses(member: Client) -> Iterator[Pause]:
    for earlier, later in itertools.pairwise(member.deliveries):
        yield earlier.at, later.at


def _length(pause: Pause) -> float:
    return pause[1] - pause[0]


def _union(pauses: Iterable[Pause]) -> float:
    """Return the length of the union of the intervals, in seconds."""
    total, end = 0.0, float("-inf")
    for begun, ended in sorted(pauses):
        total += max(0.0, ended - max(begun, end))
        end = max(end, ended)
    return total


def _acks(writer: Client) -> Iterator[tuple[str, float]]:
    yield from writer.acknowledged_at.items()


def _sum(members: list[Client], counter: Callable[[Client], Counter[Any]]) -> Counter[Any]:
    return sum(map(counter, members), Counter())
