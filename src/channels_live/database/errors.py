"""Classifies database errors: temporary, caused by the data, or to be solved by the operator.

Django's exception classes do not: a read-only server is an InternalError, and with SQLite a missing table is an
OperationalError. So the code of the server decides: SQLSTATE
(https://www.postgresql.org/docs/current/errcodes-appendix.html) or SQLite's extended result code
(https://www.sqlite.org/rescode.html).
"""

import enum
import logging
import sqlite3
import time

from django.db import DataError, Error, NotSupportedError, ProgrammingError
from django.db.backends.base.base import BaseDatabaseWrapper

from channels_live.observability.logs import first_line

READ_ONLY = "25006"
# serialization_failure, deadlock_detected.
CONFLICTS = {"40001", "40P01"}
# unique_violation of PostgreSQL, and its counterparts of SQLite.
DUPLICATES = {"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}
# Classes of SQLSTATE caused by the data to be stored: data exception, integrity constraint violation,
# WITH CHECK OPTION, program limit exceeded (such as a row too large for an index), and a trigger's RAISE EXCEPTION.
DATA_CLASSES = {"22", "23", "44", "54", "P0"}
# Invalid schema name; syntax error or access rule violation: a missing table, column or privilege.
SETUP_CLASSES = {"3F", "42"}
# A NOT NULL column that this release does not have in its models, so the operator has to act.
NOT_NULL_VIOLATION = "23502"

LOG_SECONDS = 60.0


class Kind(enum.Enum):
    """TEMPORARY: a retry can succeed. DATA: the values cannot be stored. SETUP: the operator has to act."""

    TEMPORARY = enum.auto()
    DATA = enum.auto()
    SETUP = enum.auto()


def kind_of(error: BaseException) -> Kind:
    """Return the kind of an exception of django.db; unknown ones are TEMPORARY, since a retry does no harm."""
    if (code := sqlstate(error)) is not None:
        return _kind_of_sqlstate(code)
    if (name := _sqlite_code(error)) is not None:
        return _kind_of_sqlite(name)
    # Raised by the driver before it sends anything.
    if isinstance(error, DataError | UnicodeError | OverflowError):
        return Kind.DATA
    return Kind.SETUP if isinstance(error, ProgrammingError | NotSupportedError) else Kind.TEMPORARY


def is_temporary(error: BaseException | None) -> bool:
    """Whether this is a database error after which a retry can succeed."""
    return isinstance(error, Error) and kind_of(error) is Kind.TEMPORARY


def is_read_only(error: BaseException) -> bool:
    """Whether the server is read-only, for example a former primary."""
    return sqlstate(error) == READ_ONLY or (_sqlite_code(error) or "").startswith("SQLITE_READONLY")


def is_conflict(error: BaseException) -> bool:
    """Whether the error is a conflict with another transaction; retry at once, on the same connection."""
    return sqlstate(error) in CONFLICTS


def is_duplicate(error: BaseException) -> bool:
    """Whether the row exists already, for example because two processes have stored the same."""
    return (sqlstate(error) or _sqlite_code(error)) in DUPLICATES


def needs_new_connection(error: BaseException, connection: BaseDatabaseWrapper) -> bool:
    """Whether the connection must be closed after this error. If the error has no code, this queries the server."""
    if is_read_only(error):
        return True
    # The error of a server or pooler that has closed the connection often has no code.
    return kind_of(error) is Kind.TEMPORARY and (connection.connection is None or not connection.is_usable())


def sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's code, or None."""
    code = getattr(error.__cause__, "sqlstate", None)
    return code if isinstance(code, str) else None


def _kind_of_sqlstate(code: str) -> Kind:
    if code in DUPLICATES:
        return Kind.TEMPORARY
    if code[:2] in SETUP_CLASSES or code == NOT_NULL_VIOLATION:
        return Kind.SETUP
    return Kind.DATA if code[:2] in DATA_CLASSES else Kind.TEMPORARY


def _sqlite_code(error: BaseException) -> str | None:
    cause = error.__cause__
    return getattr(cause, "sqlite_errorname", None) if isinstance(cause, sqlite3.Error) else None


def _kind_of_sqlite(name: str) -> Kind:
    if name in DUPLICATES:
        return Kind.TEMPORARY
    # SQLITE_ERROR is a missing table or column.
    if name in {"SQLITE_ERROR", "SQLITE_CONSTRAINT_NOTNULL", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_AUTH"}:
        return Kind.SETUP
    if name.startswith("SQLITE_CONSTRAINT") or name in {"SQLITE_TOOBIG", "SQLITE_MISMATCH", "SQLITE_RANGE"}:
        return Kind.DATA
    return Kind.TEMPORARY


_logged: dict[str, tuple[str, float]] = {}


def log_failure(logger: logging.Logger, what: str, error: BaseException) -> None:
    """Log a failure of the database with its reason, and with what the operator can do. ``what`` failed.

    The same fault is logged once in LOG_SECONDS, since it can affect thousands of members.
    """
    reason, now = first_line(error), time.monotonic()
    # Not by the reason, which may quote the message.
    fault = sqlstate(error) or _sqlite_code(error) or type(error).__name__
    last_fault, last_at = _logged.get(what, ("", 0.0))
    if fault == last_fault and now - last_at < LOG_SECONDS:
        return
    _logged[what] = fault, now
    match kind_of(error):
        case Kind.SETUP:
            advice = "apply the migrations; grant the role of DATABASE_URL its privileges"
            logger.error("%s: %s (%s)", what, reason, advice)
        case Kind.DATA:
            logger.error("%s: %s", what, reason)
        case Kind.TEMPORARY:
            logger.warning("%s: %s", what, reason)
