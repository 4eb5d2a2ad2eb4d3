"""An event of a topic, and the message that carries it from one process to all others."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels_live.observability import tracing

# The ``type`` of the message in the channel layer.
EVENT = "event"


@dataclass(frozen=True, slots=True)
class Event:
    """What the members of a topic are sent.

    ``frames`` holds one text per protocol; a member gets the text of its protocol, or none.
    ``seq`` is the event's sequence number in its topic. Without one the event is not stored, and its loss is not
    noticed.
    ``published_at`` is the Unix time at which it was sent to the channel layer, None for an event from the journal.
    ``state`` names what an event without a ``seq`` carries the newest value of, such as presence: a member that is
    catching up meanwhile gets the newest of each when it goes live. Without a state too, it is for live members only.
    ``altered`` marks an event from the journal whose frames differ from those with which it was published, such as
    those of a message that was removed.
    """

    frames: Mapping[str, str]
    seq: int | None = None
    published_at: float | None = None
    state: str | None = None
    altered: bool = False

    def digest(self) -> int:
        """Return a number that differs between events with the same ``seq``; comparable within one process only."""
        return hash(tuple(self.frames.values()))

    def to_message(self, topic: str) -> dict[str, Any]:
        """Return the message for the topic's group in the channel layer, published now.

        It carries the current trace where tracing is on. ``altered`` is not sent: it concerns the journal only.
        """
        message = {
            "type": EVENT,
            "topic": topic,
            "seq": self.seq,
            "frames": dict(self.frames),
            "published_at": time.time(),
        }
        if self.state is not None:
            message["state"] = self.state
        if trace := tracing.carrier():
            message["trace"] = trace
        return message

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> "Event":
        """Return the event of a message; raises KeyError where it is none."""
        return cls(message["frames"], message["seq"], message.get("published_at"), message.get("state"))
