"""Checks at startup for problems of the database that a retry cannot solve.

A database that does not answer is not one: web and ws start without it, and use it as soon as it answers.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.core.checks import Error as CheckError
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from channels_live.database.errors import is_temporary
from channels_live.observability.logs import first_line

NOT_MIGRATED = "migrations are not applied; run the Job migrate or `manage.py migrate`."
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")


def check_before_serving() -> None:
    """Raise ImproperlyConfigured with one sentence if the service cannot work with this database.

    Returns if it does not answer. Blocks; closes its connection.
    """
    try:
        check_encoding()
        if has_unapplied_migrations():
            raise ImproperlyConfigured(f"DATABASE_URL: {NOT_MIGRATED}")
        check_tables()
    except Error as error:
        if not is_temporary(error):
            raise ImproperlyConfigured(f"DATABASE_URL: {first_line(error)}.") from error
    finally:
        connection.close()


def check_encoding() -> None:
    """Raise ImproperlyConfigured if the encoding of the database cannot store every text."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_encoding')")
        (encoding,) = cursor.fetchone()
    if encoding != "UTF8":
        raise ImproperlyConfigured(
            f"DATABASE_URL: the database has the encoding {encoding}, which cannot store every text; create one with "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
        )


def has_unapplied_migrations() -> bool:
    """Whether the service's apps have unapplied migrations."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def check_tables() -> None:
    """Raise ImproperlyConfigured if a table of the service's apps, or a privilege on one, is missing."""
    if missing := ", ".join(_missing_tables()):
        raise ImproperlyConfigured(
            f"DATABASE_URL: these tables are missing, although their migrations are applied: {missing}."
        )
    if connection.vendor == "postgresql" and (missing := ", ".join(_missing_privileges())):
        raise ImproperlyConfigured(
            f"DATABASE_URL: the role {connection.settings_dict['USER']} lacks {missing}; "
            "GRANT it, or make the role the tables' owner."
        )


def _tables() -> list[str]:
    models = apps.get_models(include_auto_created=True)
    return sorted({model._meta.db_table for model in models if model._meta.managed and not model._meta.proxy})


def _missing_tables() -> list[str]:
    existing = set(connection.introspection.table_names())
    return [table for table in _tables() if table not in existing]


def _missing_privileges() -> Iterator[str]:
    tables = [*_tables(), MigrationRecorder.Migration._meta.db_table]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT privilege, name FROM unnest(%s::text[]) AS name, unnest(%s::text[]) AS privilege"
            " WHERE NOT has_table_privilege(quote_ident(name), privilege)"
            # Only `manage.py migrate` writes there.
            " AND (privilege = 'SELECT' OR name <> %s) ORDER BY name, privilege",
            [tables, list(PRIVILEGES), tables[-1]],
        )
        for privilege, table in cursor.fetchall():
            yield f"{privilege} on {table}"


def encoding_check(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Stop `manage.py migrate` before it creates tables in a database that cannot store every text."""
    if not databases:
        return []
    try:
        check_encoding()
    except ImproperlyConfigured as error:
        return [CheckError(str(error), id="base.E001")]
    return []
