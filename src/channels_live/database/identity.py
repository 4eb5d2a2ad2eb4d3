"""Which database this is: the same for all processes that use it, and another for each copy of it."""

import os
import threading

from django.db import ProgrammingError, connection

_lock = threading.Lock()
_known: str | None = None


def database_identity() -> str:
    """Return a text that names the database.

    Of PostgreSQL it is the server's system identifier, which a replica keeps when it takes over, and the database's
    number in it, so that a dump that was restored elsewhere is another database. Asked once in a process, not within
    a transaction; blocks. Raises DatabaseError where the database does not answer.
    """
    global _known
    with _lock:
        if _known is None:
            _known = _ask()
        return _known


def is_known() -> bool:
    """Whether ``database_identity`` answers without asking."""
    return _known is not None


def _ask() -> str:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
            (number,) = cursor.fetchone()
        return f"postgresql {_system_identifier()} {number}"
    connection.ensure_connection()  # which makes the file
    path = os.path.realpath(connection.settings_dict["NAME"])
    # The number of the file, for containers in which different files have the same path.
    return f"sqlite {path} {os.stat(path).st_ino if os.path.exists(path) else 0}"


def _system_identifier() -> str:
    # Every role may ask, unless a hosted server took the right away. Then the database's number and the key decide.
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT system_identifier FROM pg_control_system()")
            return str(cursor.fetchone()[0])
    except ProgrammingError:
        return ""
