"""The hub's reads of its source, for many topics at once."""

from collections.abc import Collection, Mapping

from channels_live.database.shared_reads import SharedReads, one_by_one
from channels_live.database.thread import DatabaseThread
from channels_live.hub.source import Source
from channels_live.layers.event import Event


class JournalReader:
    """Reads a source's journal in the database thread; every method raises what the source raises.

    ``epoch`` is the journal's, as it was read last; empty before the first read.
    """

    def __init__(self, source: Source, database: DatabaseThread) -> None:
        self._source = source
        self._run = database.run
        self.epoch = ""
        # After a moment without Redis every topic has a gap.
        self._heads = SharedReads(self._read_heads)
        self._gaps = SharedReads(self._read_gaps)

    async def head(self, topic: str) -> tuple[str, int]:
        """Return the epoch, and the topic's highest number; shares a read with other topics."""
        return await self._heads.get(topic)

    async def heads(self, topics: Collection[str]) -> tuple[str, Mapping[str, int]]:
        """Return the epoch, and the highest number of each topic, in one read of its own."""
        self.epoch, heads = await self._run(lambda: (self._source.epoch(), self._source.heads(topics)))
        return self.epoch, heads

    async def missing(self, topic: str, seq: int) -> list[Event]:
        """Return events later than ``seq``, not all at once; takes turns with other topics that have a gap."""
        return await self._gaps.get((topic, seq))

    async def event(self, topic: str, seq: int) -> Event | None:
        """Return the event with this number, None where the journal has none."""
        events = await self._run(self._source.after, topic, seq - 1)
        return events[0] if events and events[0].seq == seq else None

    async def _read_heads(self, topics: Collection[str]) -> dict[str, tuple[str, int]]:
        epoch, heads = await self.heads(topics)
        return {topic: (epoch, heads[topic]) for topic in topics}

    async def _read_gaps(self, gaps: Collection[tuple[str, int]]) -> dict[tuple[str, int], list[Event]]:
        return await self._run(one_by_one, lambda gap: self._source.after(*gap), gaps)
