"""The hub takes each event of a topic once per process, and gives it to all members in this process.

It contains no code of an app. An app gives it a Source, which reads the app's journal, and Events, which hold the
frames already encoded. The channel layer loses what is sent while it is disconnected, so topics count: an event that is
not the next one means a gap, which is filled from the journal; and every two seconds all topics are compared with the
journal.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection
from secrets import token_hex
from typing import Any

from channels_live.conf import live_settings
from channels_live.database.thread import DatabaseThread, get_database_thread
from channels_live.event_loop import once_per_event_loop
from channels_live.hub.connection import ChannelLayerConnection
from channels_live.hub.journal_reader import JournalReader
from channels_live.hub.members import Member
from channels_live.hub.replay import Replay
from channels_live.hub.rewinds import Rewinds
from channels_live.hub.source import Source
from channels_live.hub.topic import GAP_SECONDS, Topic
from channels_live.layers.event import EVENT, Event
from channels_live.observability import metrics, tracing
from channels_live.observability.logs import first_line
from channels_live.server import add_shutdown_hook

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0


class Hub:
    """All topics of one app in one process. Make it inside the event loop.

    Events of a topic that come within ``coalesce`` seconds go out together. All topics are compared with the journal
    every ``poll_seconds``; a gap is filled from it after ``gap_seconds``. ``connect`` makes the connection to the
    channel layer.

    ``connection`` is for messages to groups of an app's own. Received messages that are no events go to the
    ``handlers`` by their type.
    """

    def __init__(
        self,
        source: Source,
        database: DatabaseThread,
        coalesce: float = 0.0,
        *,
        poll_seconds: float = POLL_SECONDS,
        gap_seconds: float = GAP_SECONDS,
        connect: Callable[
            [Callable[[dict[str, Any]], None], Callable[[], None]], ChannelLayerConnection
        ] = ChannelLayerConnection,
    ) -> None:
        self._source = source
        self._coalesce = coalesce
        self._poll_seconds = poll_seconds
        self._gap_seconds = gap_seconds
        self._journal = JournalReader(source, database)
        self._replay = Replay(source, database)
        self._rewinds = Rewinds()
        self._topics: dict[str, Topic] = {}
        self._poll_now = asyncio.Event()
        self._id = token_hex(8)
        self.connection = connect(self._receive, self._poll_now.set)
        self.handlers: dict[str, Callable[[dict[str, Any]], None]] = {}
        self._poller = asyncio.create_task(self._poll())
        _hubs.add(self)

    @property
    def topics(self) -> Collection[str]:
        """Names of the topics with members in this process."""
        return self._topics.keys()

    @property
    def members(self) -> int:
        """Number of members of all topics in this process."""
        return sum(map(len, self._topics.values()))

    @property
    def epoch(self) -> str:
        """The epoch of the journal (Source.epoch); known once a topic is open."""
        return self._journal.epoch

    async def open(self, name: str, member: Member) -> int:
        """Add a member that does not get events yet, and return the topic's number.

        Raises what the source raises where the journal cannot be read.
        """
        topic = self._topics.get(name)
        if topic is None:
            topic = self._create(name)
        topic.join(member)
        try:
            await topic.opened()
        except BaseException:
            self.leave(name, member)
            raise
        return topic.seq

    async def go_live(self, name: str, member: Member, after: int) -> None:
        """Send the member all events later than ``after``, then every new one, without overlap or gap.

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

    def leave(self, name: str, member: Member) -> None:
        """Remove the member; with the last one the process leaves the topic's group."""
        topic = self._topics.get(name)
        if topic is None:
            return
        topic.leave(member)
        if not len(topic):
            self._forget(topic)

    def knows(self, name: str, seq: int, epoch: str | None) -> bool:
        """Whether a number that a client has seen is this journal's; ``epoch`` is what it was told, if anything."""
        return epoch in (None, self.epoch) and not self._rewinds.covers(name, seq)

    def publish(self, name: str, event: Event) -> None:
        """Give an event to the members here at once, and to all other processes through the channel layer."""
        self.deliver(name, event)
        self.send(name, event.to_message(name) | {"hub": self._id})

    def deliver(self, name: str, event: Event) -> None:
        """Give an event to the members in this process."""
        if (topic := self._topics.get(name)) is not None:
            topic.receive(event)

    def send(self, name: str, message: dict[str, Any]) -> None:
        """Send a message to all processes with members in the topic, in the background; it may get lost."""
        topic = self._topics.get(name)
        self.connection.send(topic.group if topic else self._source.group(name), message)

    async def close(self) -> None:
        """Send what waits, then stop receiving and polling."""
        _hubs.discard(self)
        self._poller.cancel()
        await asyncio.gather(self._poller, self.connection.close(), return_exceptions=True)

    def _create(self, name: str) -> Topic:
        group = self._source.group(name)
        topic = self._topics[name] = Topic(
            name, group, self._journal, self._rewind, coalesce=self._coalesce, gap_seconds=self._gap_seconds
        )
        topic.open(self.connection.join)
        return topic

    def _receive(self, message: dict[str, Any]) -> None:
        if message.get("hub") == self._id:
            return  # delivered when it was published
        if message["type"] == EVENT:
            with tracing.span("deliver", message.get("trace")):
                self.deliver(message["topic"], Event.from_message(message))
        elif handler := self.handlers.get(message["type"]):
            handler(message)

    def _forget(self, topic: Topic) -> None:
        del self._topics[topic.name]
        topic.stop()
        self.connection.leave(topic.group)

    def _rewind(self, topic: Topic, head: int) -> None:
        """Begin the topic again, with new members: those that it has were sent events beyond the valid ``head``."""
        if self._topics.get(topic.name) is topic:
            self._forget(topic)
            self._rewinds.add(topic, head)

    async def _poll(self) -> None:
        begun = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                # The period counts from start to start, since the heartbeat takes a second while Redis hangs.
                # Not asyncio.wait_for: before Python 3.12 it goes on where it is cancelled as the event is set.
                async with asyncio.timeout(begun + self._poll_seconds - time.monotonic()):
                    await self._poll_now.wait()
            self._poll_now.clear()
            begun = time.monotonic()
            try:
                await self.connection.heartbeat()
                await self._compare()
            except Exception as error:
                logger.warning("Comparing sequence numbers with the journal failed: %s", first_line(error))

    async def _compare(self) -> None:
        """Join the groups that could not be joined before, and compare every topic with the journal."""
        topics = [topic for topic in self._topics.values() if topic.is_open]
        for topic in topics:
            if self.connection.is_up and not self.connection.has_joined(topic.group):
                await self.connection.join(topic.group)
                if topic.name not in self._topics:
                    self.connection.leave(topic.group)  # its last member left meanwhile
        if not topics:
            return
        # From before the read, and one query for all.
        numbers = {topic: topic.seq for topic in topics}
        epoch, heads = await self._journal.heads([topic.name for topic in topics])
        for topic, seq in numbers.items():
            if self._topics.get(topic.name) is topic:
                topic.compare(seq, epoch, heads[topic.name])


# One for each app that has members in this process.
_hubs: set[Hub] = set()
metrics.TOPICS.set_function(lambda: sum(len(hub.topics) for hub in _hubs))
metrics.MEMBERS.set_function(lambda: sum(hub.members for hub in _hubs))


@once_per_event_loop
def get_hub(source: type[Source]) -> Hub:
    """Return the process's one hub of a source; it is closed when the process ends. Call it inside the event loop."""
    hub = Hub(source(), get_database_thread(), live_settings.COALESCE_MS / 1000)
    add_shutdown_hook(hub.close)
    return hub
