"""The hub: takes every event of a topic once per process, and gives it to all members here.

It knows nothing of chat. An app hands it a Source, which reads its journal, and Events, which hold the frames
already encoded. The channel layer loses what is sent while it is disconnected, so the hub counts: an event
that is not the next one means a gap, which it fills from the journal; and every two seconds it compares its
numbers with the journal's. ``hub_of`` gives an app its hub.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection
from secrets import token_hex
from typing import Any

from channels_live.conf import live_settings
from channels_live.database.shared_reads import SharedReads, one_by_one
from channels_live.database.thread import DatabaseThread, database_thread
from channels_live.event_loop import once_per_event_loop
from channels_live.hub.comparison import Comparison
from channels_live.hub.connection import Wire
from channels_live.hub.replay import Replay
from channels_live.hub.rewinds import Rewinds
from channels_live.hub.source import Source
from channels_live.hub.topic import Event, Member, Topic
from channels_live.layers.event import layer_event
from channels_live.observability import metrics, tracing
from channels_live.observability.logs import first_line
from channels_live.server.drain import at_the_end

logger = logging.getLogger(__name__)

# Two processes publish consecutive numbers at nearly the same time, so the later may arrive first.
GAP_SECONDS = 0.05
POLL_SECONDS = 2.0


class Hub:
    """All topics of one app in one process.

    Messages of the channel layer that are no events go to the ``handlers`` by their type. Events of a topic that
    come within ``coalesce`` seconds go out together.
    """

    def __init__(self, source: Source, database: DatabaseThread, coalesce: float = 0.0) -> None:
        self._source = source
        self._read = database.run
        self._replay = Replay(source, database)
        # After a moment without Redis, every topic has a gap.
        self._gaps = SharedReads(self._read_gaps)
        self._coalesce = coalesce
        self._rewinds = Rewinds()
        self._comparison = Comparison(source, database)
        self._topics: dict[str, Topic] = {}
        self._poll_now = asyncio.Event()
        self._id = token_hex(8)
        self.wire = Wire(self._receive, self._poll_now.set)
        self.handlers: dict[str, Callable[[dict[str, Any]], None]] = {}
        self._poller = asyncio.create_task(self._poll())
        _hubs.add(self)

    @property
    def topics(self) -> Collection[str]:
        """Names of the topics with members here."""
        return self._topics.keys()

    @property
    def members(self) -> int:
        """How many members all topics have here."""
        return sum(map(len, self._topics.values()))

    async def open(self, name: str, member: Member) -> int:
        """Take a member in who does not hear events yet, and return the topic's number.

        Raises what the source raises where the journal cannot be read.
        """
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = Topic(name, self._source.group(name))
            topic.opened = asyncio.create_task(self._open(topic))
        topic.join(member)
        assert topic.opened
        try:
            if not topic.opened.done() or topic.opened.exception():
                await asyncio.shield(topic.opened)
        except BaseException:
            self.leave(name, member)
            raise
        return topic.seq

    async def go_live(self, name: str, member: Member, after: int) -> None:
        """Give the member all events later than ``after``, then every new one, without overlap or hole.

        Raises what the source raises where the journal cannot be read; the member has left then.
        """
        topic = self._topics.get(name)
        if topic is None:
            return  # its journal went back just now, and the member is closed
        member.seq = after
        try:
            await self._replay.catch_up(topic, member)
        except BaseException:
            self.leave(name, member)
            raise
        # Nothing is awaited between the last comparison of the numbers and this line, so no event falls between.
        topic.go_live(member)
        if member.seq < topic.seq and member.socket.is_connected:
            self._doubt(topic)  # the journal ends before the topic

    def leave(self, name: str, member: Member) -> None:
        """Forget the member; with the last one the process leaves the topic's group."""
        topic = self._topics.get(name)
        if topic is None:
            return
        topic.leave(member)
        if not len(topic):
            self._forget(topic)

    @property
    def epoch(self) -> str:
        """Which journal the numbers are of; known once a topic is open."""
        return self._comparison.epoch

    def knows(self, name: str, seq: int, epoch: str | None) -> bool:
        """Whether a number that a client has seen is this journal's; ``epoch`` is what it was told, if anything."""
        return epoch in (None, self.epoch) and not self._rewinds.covers(name, seq)

    def publish(self, name: str, event: Event) -> None:
        """Give an event to the members here at once, and to all other processes through the channel layer."""
        self.deliver(name, event)
        self.send(name, layer_event(name, event.seq, event.frames, event.state) | {"hub": self._id})

    def deliver(self, name: str, event: Event) -> None:
        """Give an event to the members here."""
        if (topic := self._topics.get(name)) is not None:
            self._take(topic, event)

    def send(self, name: str, message: dict[str, Any]) -> None:
        """Send a message to all processes with members in the topic, in the background; it may get lost."""
        topic = self._topics.get(name)
        self.wire.send(topic.group if topic else self._source.group(name), message)

    async def close(self) -> None:
        """Send what waits, then stop listening and comparing."""
        _hubs.discard(self)
        self._poller.cancel()
        await asyncio.gather(self._poller, self.wire.close(), return_exceptions=True)

    def _receive(self, message: dict[str, Any]) -> None:
        if message.get("hub") == self._id:
            return  # delivered when it was published
        if message["type"] == "event":
            with tracing.span("deliver", message.get("trace")):
                state = message.get("state")
                event = Event(message["frames"], message["seq"], message.get("published_at"), state)
                self.deliver(message["topic"], event)
        elif handler := self.handlers.get(message["type"]):
            handler(message)

    async def _open(self, topic: Topic) -> None:
        # Joined before the head is read, so that nothing falls between the two. Where Redis does not answer
        # the topic opens all the same, and polling carries it.
        await self.wire.join(topic.group)
        await self._comparison.begin(topic)

    def _forget(self, topic: Topic) -> None:
        del self._topics[topic.name]
        for task in (topic.repairing, topic.draining):
            if task and task is not asyncio.current_task():
                task.cancel()
        self.wire.leave(topic.group)

    def _give_up(self, topic: Topic, head: int) -> None:
        """Begin the topic again, with new members: those that it has were shown more than ``head``, which is wrong."""
        if self._topics.get(topic.name) is topic:
            self._forget(topic)
            self._rewinds.add(topic, head)

    def _take(self, topic: Topic, event: Event) -> None:
        topic.inbox.append(event)
        if topic.draining is None or topic.draining.done():
            topic.draining = asyncio.create_task(self._drain(topic))

    async def _drain(self, topic: Topic) -> None:
        assert topic.opened
        if not topic.opened.done():
            await asyncio.wait([topic.opened])
        while topic.inbox:
            if self._coalesce:
                await asyncio.sleep(self._coalesce)
            events = topic.next_events()
            if topic.early or topic.is_doubted:
                self._repair_soon(topic)
            if events:
                await topic.fan_out(events)

    def _doubt(self, topic: Topic) -> None:
        """Ask the journal soon whether it is behind the topic, or has something else under its number."""
        topic.is_doubted = True
        self._repair_soon(topic)

    def _repair_soon(self, topic: Topic) -> None:
        if topic.repairing is None or topic.repairing.done():
            topic.repairing = asyncio.create_task(self._repair(topic))

    async def _repair(self, topic: Topic) -> None:
        """Wait a moment for what is missing, then read it from the journal, unless that has gone back."""
        missing = topic.seq + 1
        await asyncio.sleep(GAP_SECONDS)
        if topic.seq >= missing and not topic.early and not topic.is_doubted:
            return
        is_gap = bool(topic.early) or not topic.is_doubted
        metrics.GAPS.inc(is_gap)
        try:
            if (head := await self._comparison.one(topic)) is not None:
                self._give_up(topic, head)
                return
            while events := await self._gaps.get((topic.name, topic.seq)):
                first = events[0].seq
                if first is not None and first > topic.seq + 1:
                    topic.seq = first - 1  # retention removed what was between
                topic.early = {seq: event for seq, event in topic.early.items() if seq > topic.seq}
                for event in events:
                    self._take(topic, event)
                while topic.draining and not topic.draining.done():
                    await asyncio.wait([topic.draining])
            metrics.GAPS_REPAIRED.inc(is_gap)
        except Exception as error:
            logger.warning("A gap stays open until the next comparison: %s", first_line(error))

    async def _read_gaps(self, gaps: Collection[tuple[str, int]]) -> dict[tuple[str, int], list[Event]]:
        return await self._read(one_by_one, lambda gap: self._source.after(*gap), gaps)

    async def _poll(self) -> None:
        begun = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                # From begin to begin: a Redis that hangs takes a second of every round.
                # Not asyncio.wait_for: before Python 3.12 it goes on where it is cancelled as the event is set.
                async with asyncio.timeout(begun + POLL_SECONDS - time.monotonic()):
                    await self._poll_now.wait()
            self._poll_now.clear()
            begun = time.monotonic()
            try:
                await self.wire.keep_up()
                await self._compare()
            except Exception as error:
                logger.warning("The numbers could not be compared: %s", first_line(error))

    async def _compare(self) -> None:
        """Join the groups that could not be joined before, and compare every topic with its journal."""
        opened = [topic for topic in self._topics.values() if topic.epoch is not None]
        for topic in opened:
            if self.wire.is_up and not self.wire.has_joined(topic.group):
                await self.wire.join(topic.group)
                if topic.name not in self._topics:
                    self.wire.leave(topic.group)  # its last member left meanwhile
        if not opened:
            return
        beyond, behind = await self._comparison.all(opened)
        for topic, head in beyond.items():
            self._give_up(topic, head)
        for topic in behind:
            metrics.POLLING_REPAIRS.inc()
            self._repair_soon(topic)
        for topic in opened:
            # A doubt that came while another was looked into, or that the database did not answer.
            if topic.is_doubted and topic not in beyond:
                self._repair_soon(topic)


# One for each app that has members in this process.
_hubs: set[Hub] = set()
metrics.TOPICS.set_function(lambda: sum(len(hub.topics) for hub in _hubs))
metrics.MEMBERS.set_function(lambda: sum(hub.members for hub in _hubs))


@once_per_event_loop
def hub_of(source: type[Source]) -> Hub:
    """Return the process' one hub of a journal; it is closed when the process ends. Call it inside the event loop."""
    hub = Hub(source(), database_thread(), live_settings.COALESCE_MS / 1000)
    at_the_end(hub.close)
    return hub
