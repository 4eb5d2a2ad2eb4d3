"""Identifies the database: the same for all processes that use it, another for each copy."""

import os
import threading

from django.db import ProgrammingError, connection

_lock = threading.Lock()
_known: str | None = None


def database_identity() -> str:
    """Return a text that identifies the database.

    For PostgreSQL it consists of the server's system identifier, which a replica keeps when it is promoted, and the oid
    of the database, so that a dump restored elsewhere is another database. Queried once per process, outside of
    transactions; blocks. Raises DatabaseError if the database does not answer.
    """
    global _known
    with _lock:
        if _known is None:
            _known = _query()
        return _known


def is_known() -> bool:
    """Whether ``database_identity`` returns without a query."""
    return _known is not None


def _query() -> str:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
            (number,) = cursor.fetchone()
        return f"postgresql {_system_identifier()} {number}"
    connection.ensure_connection()  # creates the file
    path = os.path.realpath(connection.settings_dict["NAME"])
    # With the inode, since different files in different containers may have the same path.
    return f"sqlite {path} {os.stat(path).st_ino if os.path.exists(path) else 0}"


def _system_identifier() -> str:
    # Every role may call it, unless a hosted server has revoked that; the oid and SECRET_KEY then have to suffice.
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT system_identifier FROM pg_control_system()")
            return str(cursor.fetchone()[0])
    except ProgrammingError:
        return ""
