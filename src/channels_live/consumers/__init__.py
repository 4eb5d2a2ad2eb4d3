"""The consumers of Channels under their own names, and two of our own.

A team changes ``from channels.generic.websocket import …`` to ``from channels_live.consumers import …``, and nothing
else. DirectConsumer has no groups and costs the least, JournalConsumer is for the streams of a journal.
"""

from typing import TYPE_CHECKING, Any

from channels_live.consumers.direct import DirectConsumer
from channels_live.consumers.generic import (
    AsyncConsumer,
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    SyncConsumer,
    WebsocketConsumer,
)

if TYPE_CHECKING:
    from channels_live.consumers.journal import JournalConsumer

__all__ = [
    "AsyncConsumer",
    "AsyncJsonWebsocketConsumer",
    "AsyncWebsocketConsumer",
    "DirectConsumer",
    "JournalConsumer",
    "JsonWebsocketConsumer",
    "SyncConsumer",
    "WebsocketConsumer",
]


def __getattr__(name: str) -> Any:
    # Imported when it is first asked for: it brings models along, and the metrics of a journal.
    if name == "JournalConsumer":
        from channels_live.consumers.journal import JournalConsumer

        return JournalConsumer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
