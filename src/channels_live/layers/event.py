"""An event on its way from one process to all others."""

import time
from collections.abc import Mapping
from typing import Any

from channels_live.observability import tracing


def layer_event(topic: str, seq: int | None, frames: Mapping[str, str], state: str | None = None) -> dict[str, Any]:
    """Return what is sent to a topic's group in the channel layer; the hub of each ws process takes it from there.

    ``frames`` holds the text that members get, by their protocol. ``seq`` is None for what has no number;
    ``state`` then names what it tells the newest of, None for what only those hear who are live (see hub.topic).
    ``published_at`` is the Unix time, from which ws measures how long delivery takes; ``trace`` comes with it where
    traces are on.
    """
    event = {"type": "event", "topic": topic, "seq": seq, "frames": dict(frames), "published_at": time.time()}
    if state is not None:
        event["state"] = state
    if trace := tracing.carrier():
        event["trace"] = trace
    return event
