"""One INSERT for many rows, from the model's own fields."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import InsertQuery


def insert(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    """Insert unsaved instances of the model, with every concrete field, in one statement. Sends no signals.

    The instances do not learn their primary key where the database makes it. Raises what django.db raises.
    """
    # Not by bulk_create: it takes more than twice as long (SQLite, 1 to 50 messages), and as long it keeps the
    # interpreter lock.
    if not rows:
        return
    prefix, fields = _statement(model)
    # Not django.db.connection: each look through that proxy costs as much as preparing a value.
    database = connections[DEFAULT_DB_ALIAS]
    values, parameters = _values([_column(field, rows, database) for field in fields])
    with database.cursor() as cursor:
        cursor.execute(f"{prefix} VALUES {values}", parameters)


# Types of values that are no expressions, which most are: to ask each of them for as_sql would take longer.
PLAIN = frozenset({str, int, float, bool, bytes, type(None)})


class _Sql(NamedTuple):
    """A value that needs more than ``%s``."""

    sql: str
    parameters: Sequence[Any]


@functools.cache
def _statement(model: type[models.Model]) -> tuple[str, list[Any]]:
    """Return the statement up to its values, and the fields of its columns."""
    # As Django does it: a key that the database makes, and generated columns, are left out.
    fields = [
        field
        for field in model._meta.local_concrete_fields
        if not isinstance(field, models.AutoField) and not getattr(field, "generated", False)
    ]
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(field.column)) for field in fields)
    return f"INSERT INTO {quote(model._meta.db_table)} ({names})", fields


def _column(field: Any, rows: Sequence[models.Model], database: BaseDatabaseWrapper) -> list[Any]:
    """Return a field's values as the database takes them."""
    cells = _as_they_are(field, rows)
    return _prepared(field, rows, database) if cells is None else cells


# The types of the values that a field of exactly this class hands to the driver as they are. To prepare each of them in
# Django's way would be a third of an append.
DRIVER_TYPES: Mapping[type[Any], frozenset[type[Any]]] = {
    **dict.fromkeys((models.CharField, models.TextField), frozenset({str, type(None)})),
    **dict.fromkeys((models.BigIntegerField, models.ForeignKey), frozenset({int, type(None)})),
}


def _as_they_are(field: Any, rows: Sequence[models.Model]) -> list[Any] | None:
    """Return the values of a field that needs no preparation; None where one of them does."""
    types = DRIVER_TYPES.get(type(field))
    if types is None:
        return None
    name = field.attname
    cells = [row.__dict__.get(name, row) for row in rows]
    return cells if types.issuperset(map(type, cells)) else None


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
