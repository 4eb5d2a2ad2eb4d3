"""Holds topics against their journal, which may have gone back: by a restored dump, or a failover that lost commits."""

from collections.abc import Collection, Iterable, Mapping

from channels_live.database.shared_reads import SharedReads
from channels_live.database.thread import DatabaseThread
from channels_live.hub.source import Source
from channels_live.hub.topic import Topic

# Before every number.
NOTHING = -1


class Comparison:
    """Reads the numbers of one journal; ``epoch`` is the one that was read last."""

    def __init__(self, source: Source, database: DatabaseThread) -> None:
        self._source = source
        self._read = database.run
        self.epoch = ""
        # After a moment without Redis, every topic has a gap.
        self._heads = SharedReads(self._read_heads)

    async def begin(self, topic: Topic) -> None:
        """Let a topic begin with the number that the journal has; raises what the source raises, as all here do."""
        topic.epoch, topic.seq = await self._heads.get(topic.name)

    async def all(self, topics: Iterable[Topic]) -> tuple[dict[Topic, int], list[Topic]]:
        """Return the topics that are beyond their journal, with the last number that is right; and those behind it."""
        # From before the read: what is published was committed, so the journal must hold it.
        before = {topic: topic.seq for topic in topics}
        epoch, heads = await self._numbers([topic.name for topic in before])
        beyond = {}
        for topic, seq in before.items():
            if heads[topic.name] < seq:
                beyond[topic] = heads[topic.name]
            elif epoch != topic.epoch:
                beyond[topic] = NOTHING
        return beyond, [topic for topic in before if topic not in beyond and heads[topic.name] > topic.seq]

    async def one(self, topic: Topic) -> int | None:
        """Return the last number that is right where the topic is beyond its journal, else None.

        Where it was doubted, what its number stands for is compared too. What came early is dropped if nobody
        committed it.
        """
        is_doubted, topic.is_doubted = topic.is_doubted, False
        try:
            return await self._last_right(topic, is_doubted)
        except BaseException:
            topic.is_doubted |= is_doubted
            raise

    async def _last_right(self, topic: Topic, is_doubted: bool) -> int | None:
        seq, last, early = topic.seq, topic.last, tuple(topic.early)
        epoch, head = await self._heads.get(topic.name)
        for number in early:
            if number > head:
                topic.early.pop(number, None)
        if head < seq:
            return head
        if epoch != topic.epoch:
            return NOTHING
        if is_doubted and last is not None:
            stored = await self._read(self._source.after, topic.name, seq - 1)
            if stored and stored[0].seq == seq and not stored[0].altered and stored[0].digest() != last:
                return seq - 1
        return None

    async def _read_heads(self, names: Collection[str]) -> dict[str, tuple[str, int]]:
        epoch, heads = await self._numbers(names)
        return {name: (epoch, heads[name]) for name in names}

    async def _numbers(self, names: Collection[str]) -> tuple[str, Mapping[str, int]]:
        self.epoch, heads = await self._read(lambda: (self._source.epoch(), self._source.heads(names)))
        return self.epoch, heads
