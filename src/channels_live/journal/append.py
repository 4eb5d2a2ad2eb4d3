"""Appending to a journal: the numbers that entries get, and one INSERT for many of them from the model's own fields."""

import functools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import ForeignKey, Q
from django.db.models.sql import InsertQuery
from django.utils import timezone

from channels_live.database.errors import is_duplicate
from channels_live.journal.models import Draft, Entry, Stream, stream_key

EntryModel = TypeVar("EntryModel", bound=Entry)

# An entry stored by another process between our look and our insert; the second look sees it.
ATTEMPTS = 3


class Appender(Generic[EntryModel]):
    """The part of a Journal that stores entries."""

    def __init__(self, model: type[EntryModel]) -> None:
        self.model = model

    @functools.cached_property
    def _key(self) -> ForeignKey[Any, Any]:
        return stream_key(self.model)

    @functools.cached_property
    def _streams(self) -> type[Stream]:
        return cast(type[Stream], self._key.related_model)

    def append(self, drafts: Sequence[Draft]) -> list[EntryModel]:
        """Store the drafts in one transaction, and return one entry for each, in their order.

        Numbers go up by one per stream, whatever number of processes append at once: the stream's row is locked from
        its update to the commit. A draft whose id the stream knows already, from before or from earlier in the same
        call, is not stored again; the stored entry is returned. Compare them by ``Entry.is_of``.
        Raises what django.db raises when nothing was stored.
        """
        if not drafts:
            return []
        for attempt in range(ATTEMPTS):
            try:
                with transaction.atomic():
                    # Hardly ever was an entry stored before: only where the insert fails is it worth a look.
                    return self._append(drafts, self._known(drafts) if attempt else {})
            except IntegrityError as error:
                if attempt == ATTEMPTS - 1 or not is_duplicate(error):
                    raise
        raise AssertionError("unreachable")

    def _append(self, drafts: Sequence[Draft], known: dict[tuple[str, str], EntryModel]) -> list[EntryModel]:
        new: dict[tuple[str, str], Draft] = {}
        for draft in drafts:
            if (draft.stream, draft.id) not in known:
                new.setdefault((draft.stream, draft.id), draft)
        now = timezone.now()
        streams = self._take_numbers(Counter(draft.stream for draft in new.values()), now)
        rows = []
        for key, draft in new.items():
            pk, seq = streams[draft.stream]
            streams[draft.stream] = pk, seq + 1
            columns = {self._key.attname: pk, "seq": seq, "client_id": draft.id, "sent_at": now}
            entry = known[key] = self.model(**draft.fields, **columns)
            entry.stream_name, entry.is_new = draft.stream, True
            rows.append(entry)
        insert(self.model, rows)
        return [known[draft.stream, draft.id] for draft in drafts]

    def _known(self, drafts: Sequence[Draft]) -> dict[tuple[str, str], EntryModel]:
        """Return what is stored already under the drafts' ids."""
        wanted = Q()
        for stream in {draft.stream for draft in drafts}:
            ids = {draft.id for draft in drafts if draft.stream == stream}
            wanted |= Q((f"{self._key.name}__name", stream), client_id__in=ids)
        found = self.model._base_manager.filter(wanted).select_related(self._key.name)
        return {(entry.stream_name, entry.client_id): entry for entry in self._with_names(found)}

    def _take_numbers(self, counts: Mapping[str, int], now: datetime) -> dict[str, tuple[int, int]]:
        """Raise each stream's head by its count; return the stream's key and the first of the numbers taken."""
        taken = {}
        # Always in the same order, so that two processes cannot wait for each other.
        for stream in sorted(counts):
            count = counts[stream]
            row = self._raise_head(stream, count, now)
            if row is None:
                self._streams._base_manager.bulk_create([self._streams(name=stream)], ignore_conflicts=True)
                row = self._raise_head(stream, count, now)
            assert row
            pk, head = row
            taken[stream] = pk, head - count + 1
        return taken

    @functools.cached_property
    def _raise_head_statement(self) -> str:
        meta, quote = self._streams._meta, connection.ops.quote_name
        # The columns of Stream are named as its fields are; of the key's an app decides.
        return (
            f"UPDATE {quote(meta.db_table)} SET head = head + %s, active_at = %s WHERE name = %s"
            f" RETURNING {quote(str(meta.pk.column))}, head"
        )

    def _raise_head(self, stream: str, count: int, now: datetime) -> tuple[int, int] | None:
        with connection.cursor() as cursor:
            parameters = [count, connection.ops.adapt_datetimefield_value(now), stream]
            cursor.execute(self._raise_head_statement, parameters)
            row: tuple[int, int] | None = cursor.fetchone()
        return row

    def _with_names(self, entries: Collection[EntryModel]) -> Collection[EntryModel]:
        for entry in entries:
            entry.stream_name = getattr(entry, self._key.name).name
        return entries


def insert(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """Insert unsaved instances of the model, with every concrete field, in one statement. Sends no signals.

    The instances do not learn their primary key where the database makes it. Raises what django.db raises.
    """
    # Not by bulk_create: it takes more than twice as long (SQLite, 1 to 50 messages), and as long it keeps the
    # interpreter lock.
    if not rows:
        return
    prefix, columns = _statement(model)
    # Not django.db.connection: each look through that proxy costs as much as preparing a value.
    database = connections[DEFAULT_DB_ALIAS]
    cells = []
    for field, types in columns:
        column = [row.__dict__.get(field.attname, row) for row in rows] if types else []
        if not types or not types.issuperset(map(type, column)):
            column = _prepared(field, rows, database)
        cells.append(column)
    values, parameters = _values(cells)
    with database.cursor() as cursor:
        cursor.execute(f"{prefix} VALUES {values}", parameters)


# Types of values that are no expressions, which most are: to ask each of them for as_sql would take longer.
PLAIN = frozenset({str, int, float, bool, bytes, type(None)})


class _Sql(NamedTuple):
    """A value that needs more than ``%s``."""

    sql: str
    parameters: Sequence[Any]


# The types of the values that a field of exactly this class hands to the driver as they are. To prepare each of them in
# Django's way would be a third of an append.
DRIVER_TYPES: Mapping[type[Any], frozenset[type[Any]]] = {
    **dict.fromkeys((models.CharField, models.TextField), frozenset({str, type(None)})),
    **dict.fromkeys((models.BigIntegerField, models.ForeignKey), frozenset({int, type(None)})),
    models.DateTimeField: frozenset({type(None)}),
}


@functools.cache
def _statement(model: type[models.Model]) -> tuple[str, list[tuple[Any, frozenset[type[Any]]]]]:
    """Return the statement up to its values, and the field of each column with its DRIVER_TYPES."""
    # As Django does it: a key that the database makes, and generated columns, are left out.
    fields = [
        field
        for field in model._meta.local_concrete_fields
        if not isinstance(field, models.AutoField) and not getattr(field, "generated", False)
    ]
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(field.column)) for field in fields)
    return f"INSERT INTO {quote(model._meta.db_table)} ({names})", [(field, _driver_types(field)) for field in fields]


def _driver_types(field: Any) -> frozenset[type[Any]]:
    # A field with the time of the insert sets its value itself.
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return frozenset()
    return DRIVER_TYPES.get(type(field), frozenset())


def _prepared(field: Any, rows: Sequence[models.Model], database: BaseDatabaseWrapper) -> list[Any]:
    pre_save, prepare = field.pre_save, field.get_db_prep_save
    has_placeholder = hasattr(field, "get_placeholder")
    cells: list[Any] = []
    previous: Any = cells
    prepared: Any = None
    for row in rows:
        value = pre_save(row, add=True)
        # Many values are the same in all rows, such as the time: preparing them is what an insert mostly costs.
        if value is not previous:
            previous, prepared = value, prepare(value, database)
            if has_placeholder or (type(prepared) not in PLAIN and hasattr(prepared, "as_sql")):
                prepared = _sql(field, prepared, database)
        cells.append(prepared)
    return cells


def _sql(field: Any, value: Any, database: BaseDatabaseWrapper) -> _Sql:
    query = InsertQuery(field.model)
    compiler = query.get_compiler(connection=database)
    if hasattr(value, "as_sql"):
        return _Sql(*compiler.compile(value.resolve_expression(query, allow_joins=False, for_save=True)))
    return _Sql(field.get_placeholder(value, compiler, database), [value])


def _values(columns: Sequence[list[Any]]) -> tuple[str, list[Any]]:
    """Return what follows VALUES, and its parameters."""
    cells = [cell for row in zip(*columns, strict=True) for cell in row]
    width = len(columns)
    if _Sql not in set(map(type, cells)):
        row = f"({', '.join(['%s'] * width)})"
        return ", ".join([row] * (len(cells) // width)), cells
    sql = [cell.sql if type(cell) is _Sql else "%s" for cell in cells]
    rows = [f"({', '.join(sql[begin : begin + width])})" for begin in range(0, len(sql), width)]
    return ", ".join(rows), [part for cell in cells for part in (cell.parameters if type(cell) is _Sql else (cell,))]
