"""The journal: numbered, durable streams of an app, from which clients resume.

Subclass Stream and Entry; ``Journal(YourEntry)`` appends and reads, in web as in ws. In ws a JournalSource gives it
to the hub, and channels_live.consumers.JournalConsumer to clients. Import it once Django is set up, as all models.
"""

from typing import TYPE_CHECKING, Any

from channels_live.journal.epoch import journal_epoch
from channels_live.journal.errors import InvalidInput, Overloaded, RateLimited, Unavailable, Unprocessable
from channels_live.journal.journal import Journal
from channels_live.journal.models import Draft, Entry, Stream, entry_constraints
from channels_live.journal.pages import PAGE_BYTES, fitting
from channels_live.journal.protocol import (
    JOURNAL_V1,
    check_fields,
    check_id,
    encode,
    entry_frames,
    has_surrogate,
    parse_after,
    parse_object,
    timestamp,
)

if TYPE_CHECKING:
    from channels_live.journal.runtime import GroupCommit, JournalRuntime, JournalSource, get_runtime

__all__ = [
    "JOURNAL_V1",
    "PAGE_BYTES",
    "Draft",
    "Entry",
    "GroupCommit",
    "InvalidInput",
    "Journal",
    "JournalRuntime",
    "JournalSource",
    "Overloaded",
    "RateLimited",
    "Stream",
    "Unavailable",
    "Unprocessable",
    "check_fields",
    "check_id",
    "encode",
    "entry_constraints",
    "entry_frames",
    "fitting",
    "get_runtime",
    "has_surrogate",
    "journal_epoch",
    "parse_after",
    "parse_object",
    "timestamp",
]

# Imported when they are first asked for: they bring ws's metrics along, which web must not show.
_OF_WS = {"GroupCommit", "JournalRuntime", "JournalSource", "get_runtime"}


def __getattr__(name: str) -> Any:
    if name in _OF_WS:
        from channels_live.journal import runtime

        return getattr(runtime, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
