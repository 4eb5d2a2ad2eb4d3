"""The database: what its errors mean, the thread in which ws queries it, and reads shared by many callers.

web imports this too, so nothing here needs Daphne, autobahn or Twisted.
"""

from channels_live.database.errors import (
    Kind,
    is_conflict,
    is_duplicate,
    is_read_only,
    is_temporary,
    kind_of,
    log_failure,
)
from channels_live.database.identity import database_identity
from channels_live.database.shared_reads import READ_SECONDS, SharedReads, one_by_one
from channels_live.database.start_checks import check_before_serving, check_encoding
from channels_live.database.thread import DatabaseThread, get_database_thread

__all__ = [
    "READ_SECONDS",
    "DatabaseThread",
    "Kind",
    "SharedReads",
    "check_before_serving",
    "check_encoding",
    "database_identity",
    "get_database_thread",
    "is_conflict",
    "is_duplicate",
    "is_read_only",
    "is_temporary",
    "kind_of",
    "log_failure",
    "one_by_one",
]
