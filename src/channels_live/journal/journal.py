"""A journal: streams of entries in the database. Appending to them is in append.py; here they are read and pruned."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from channels_live.journal.append import Appender, EntryModel
from channels_live.journal.epoch import journal_epoch
from channels_live.layers import Event, publish

PAGE = 200
# Entries that one transaction prunes, so that no process that appends to the stream waits for long.
PRUNE_BATCH = 1000


class Journal(Appender[EntryModel]):
    """The streams whose entries are ``model``. The methods block on the database, and raise what django.db raises.

    channels_live.database.errors tells what such an error means.
    ``group_prefix`` begins the names of the streams' groups in the channel layer: ASCII, at most 34 characters, and
    another one for each journal; by default ``<app label>.<model>``. ``prune_batch`` is the number of entries that one
    transaction of ``prune`` deletes.
    """

    def __init__(
        self, model: type[EntryModel], group_prefix: str | None = None, prune_batch: int = PRUNE_BATCH
    ) -> None:
        super().__init__(model)
        self._group_prefix = group_prefix or model._meta.label_lower
        self.prune_batch = prune_batch

    def after(self, stream: str, seq: int, limit: int = PAGE) -> list[EntryModel]:
        """Return the entries later than a number, oldest first, at most ``limit``."""
        return self._read(stream, self._entries(stream).filter(seq__gt=seq).order_by("seq")[:limit])

    def before(self, stream: str, seq: int, limit: int = PAGE) -> list[EntryModel]:
        """Return the newest ``limit`` entries earlier than a number, oldest first."""
        return self._read(stream, self._entries(stream).filter(seq__lt=seq).order_by("-seq")[:limit])[::-1]

    def newest(self, stream: str, limit: int = PAGE) -> tuple[list[EntryModel], int]:
        """Return the newest ``limit`` entries, oldest first, and the head that they reach up to."""
        head, _ = self.bounds(stream)
        return self.before(stream, head + 1, limit), head

    def heads(self, streams: Collection[str]) -> dict[str, int]:
        """Return the highest number of each stream, in one query. An empty stream has 0."""
        known = dict(self._streams._base_manager.filter(name__in=streams).values_list("name", "head"))
        return {stream: known.get(stream, 0) for stream in streams}

    def bounds(self, stream: str) -> tuple[int, int]:
        """Return the stream's head, and the highest number that was pruned (0: none)."""
        found = self._streams._base_manager.filter(name=stream)
        return found.values_list("head", "pruned_to").first() or (0, 0)

    def bounds_of(self, streams: Collection[str]) -> dict[str, tuple[int, int]]:
        """Return the ``bounds`` of each stream, in one query."""
        found = self._streams._base_manager.filter(name__in=streams)
        known = {name: (head, pruned_to) for name, head, pruned_to in found.values_list("name", "head", "pruned_to")}
        return {stream: known.get(stream, (0, 0)) for stream in streams}

    def recent(self, limit: int) -> list[Any]:
        """Return the streams that were written to last, as instances of their model, the latest first."""
        return list(self._streams._base_manager.exclude(active_at=None).order_by("-active_at")[:limit])

    def epoch(self) -> str:
        """Return what changes where a restored dump, or another database, takes the place of the journal."""
        return journal_epoch(self.model)

    def change(self, pk: int, fields: Mapping[str, Any], where: Q | None = None) -> EntryModel:
        """Change fields of an old entry, whose number stays, and return it as it is then.

        ``where`` is what must hold of it; otherwise it is left as it is. The entry's ``is_changed`` has to become
        True by it. Members learn of it by ``publish_change``. Raises the model's DoesNotExist where it was pruned.
        """
        entries = self.model._base_manager
        entries.filter(where or Q(), pk=pk).update(**fields)
        (entry,) = self._with_names([entries.select_related(self._key.name).get(pk=pk)])
        return entry

    def prune(self, older_than: datetime) -> dict[int, int]:
        """Delete each stream's entries up to the newest that is older; return how many, by the stream's key.

        Always the lowest numbers, so that what is kept has no gap; ``Stream.pruned_to`` says how far. In small
        transactions: harmless to interrupt and to repeat. An index on ``sent_at`` makes it fast.
        """
        old = self.model._base_manager.filter(sent_at__lt=older_than)
        attname = self._key.attname
        deleted: dict[int, int] = {}
        for stream, last in list(old.values_list(attname).annotate(last=Max("seq")).order_by(attname)):
            deleted[stream] = 0
            while count := self._prune_one_batch(stream, last):
                deleted[stream] += count
        return deleted

    def group(self, stream: str) -> str:
        """Return the stream's group in the channel layer, which allows ASCII only and under 100 characters."""
        return f"{self._group_prefix}.{hashlib.sha256(stream.encode()).hexdigest()}"

    def publish(self, entry: EntryModel, frames: Mapping[str, str]) -> None:
        """Send a new entry to the members in all ws processes, from any thread; see layers.publisher.

        ``frames`` holds the text that members get, by their protocol: what the journal's source makes of the entry.
        """
        publish(self.group(entry.stream_name), Event(frames, entry.seq).to_message(entry.stream_name))

    def publish_change(self, entry: EntryModel, frames: Mapping[str, str]) -> None:
        """Send the frames that tell members how an old entry has changed, as ``publish`` does."""
        # With a state: a member that catches up may have been given the old entry just before.
        state = f"changed {entry.seq}"
        publish(self.group(entry.stream_name), Event(frames, state=state).to_message(entry.stream_name))

    def _prune_one_batch(self, stream: int, last: int) -> int:
        with transaction.atomic():
            entries = self.model._base_manager.filter((self._key.attname, stream))
            numbers = entries.filter(seq__lte=last).order_by("seq").values_list("seq", flat=True)
            if not (batch := list(numbers[: self.prune_batch])):
                return 0
            # Stream before entries, in the order in which append locks them.
            self._streams._base_manager.filter(pk=stream).update(pruned_to=batch[-1])
            return entries.filter(seq__lte=batch[-1]).delete()[0]

    def _entries(self, stream: str) -> QuerySet[EntryModel]:
        # Not by a join: PostgreSQL would read the rest of the stream, and sort it, for every page.
        key = self._streams._base_manager.filter(name=stream).values("pk")[:1]
        return self.model._base_manager.filter((self._key.attname, key))

    def _read(self, stream: str, found: QuerySet[EntryModel]) -> list[EntryModel]:
        entries = list(found)
        for entry in entries:
            entry.stream_name = stream
        return entries
