"""Bases of consumers: DirectConsumer for any, JournalConsumer for the streams of a journal."""

from typing import TYPE_CHECKING, Any

from channels_live.consumers.direct import DirectConsumer

if TYPE_CHECKING:
    from channels_live.consumers.journal import JournalConsumer

__all__ = ["DirectConsumer", "JournalConsumer"]


def __getattr__(name: str) -> Any:
    # Imported when it is first asked for: it brings models along, and the metrics of a journal.
    if name == "JournalConsumer":
        from channels_live.consumers.journal import JournalConsumer

        return JournalConsumer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
