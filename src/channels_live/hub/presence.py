"""Who is in a topic, over all processes."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from channels_live.hub.gossip import REPEAT_SECONDS, REPEATS_PER_SECOND, Gossip
from channels_live.hub.hub import Hub
from channels_live.observability import metrics

# Members of one topic in this process that are told of changes. In a room of 10,000 somebody comes or goes all the
# time, and each change would be 10,000 frames.
TOLD_PER_SECOND = 1000
# Names in an announcement; the counts are always complete.
MAX_NAMES = 100


class Presence:
    """Counts the members of the hub's topics, here and in other processes. Make it inside the event loop.

    ``changed`` is called with a topic, its number of members and some of their names after a change; after several
    where the members are many.
    """

    def __init__(
        self,
        hub: Hub,
        changed: Callable[[str, int, list[str]], None],
        *,
        told_per_second: float = TOLD_PER_SECOND,
        repeat_seconds: float = REPEAT_SECONDS,
        repeats_per_second: float = REPEATS_PER_SECOND,
    ) -> None:
        self._hub = hub
        self._changed = changed
        self._told_per_second = told_per_second
        self._here: dict[str, Counter[str]] = {}
        # What the members were told last, and when.
        self._last: dict[str, tuple[int, list[str]]] = {}
        self._told_at: dict[str, float] = {}
        self._telling: dict[str, asyncio.TimerHandle] = {}
        # Of another process: its number of members, and some of their names.
        self._gossip: Gossip[tuple[int, list[str]]] = Gossip(
            self._send,
            self._announcement,
            _read,
            self._tell,
            repeat_seconds=repeat_seconds,
            repeats_per_second=repeats_per_second,
        )
        hub.handlers["presence"] = self._receive

    def join(self, topic: str, name: str) -> None:
        """Count a member in."""
        here = self._here.setdefault(topic, Counter())
        if not here:
            self._gossip.arrive(topic)
        here[name] += 1
        self._gossip.announce_soon(topic)

    def leave(self, topic: str, name: str) -> None:
        """Count a member out."""
        here = self._here.get(topic)
        if here is None:
            return
        here[name] -= 1
        if here[name] <= 0:
            del here[name]
        if here:
            self._gossip.announce_soon(topic)
            return
        del self._here[topic]
        self._gossip.leave(topic)
        self._last.pop(topic, None)
        self._told_at.pop(topic, None)
        if timer := self._telling.pop(topic, None):
            timer.cancel()

    def current(self, topic: str) -> tuple[int, list[str]]:
        """Return the number of members, and the names of at most MAX_NAMES, sorted. A name counts once."""
        here = self._here.get(topic, Counter())
        names = set(list(here)[:MAX_NAMES])
        count = len(here)
        for number, theirs in self._gossip.others(topic):
            count += number - len(names & set(theirs))
            names |= set(theirs)
        return count, sorted(names)[:MAX_NAMES]

    def told_to_one(self, topic: str) -> tuple[int, list[str]]:
        """Return the same for a member that is told it now.

        Where the others were not told it yet, they will be, and so will that member: also if by then everything is as
        it was before.
        """
        state = self.current(topic)
        if self._last.get(topic) != state:
            self._last.pop(topic, None)
        return state

    def close(self) -> None:
        """Announce at once what has changed, and nothing more."""
        for timer in self._telling.values():
            timer.cancel()
        self._gossip.close()

    def _receive(self, message: dict[str, Any]) -> None:
        if self._gossip.receive(message["topic"], message):
            metrics.PRESENCE_RECEIVED.inc()

    def _send(self, topic: str, message: dict[str, Any]) -> None:
        metrics.PRESENCE_SENT.inc()
        self._hub.send(topic, message)

    def _announcement(self, topic: str) -> dict[str, Any]:
        here = self._here.get(topic, Counter())
        return {"type": "presence", "topic": topic, "count": len(here), "names": list(here)[:MAX_NAMES]}

    def _tell(self, topic: str) -> None:
        """Tell the members here what has changed: at once, or later where they are many and were told just now."""
        if topic in self._telling:
            return
        wait = self._told_at.get(topic, 0.0) + len(self._here[topic]) / self._told_per_second - time.monotonic()
        if wait > 0:
            self._telling[topic] = asyncio.get_running_loop().call_later(wait, self._tell_now, topic)
        else:
            self._tell_now(topic)

    def _tell_now(self, topic: str) -> None:
        self._telling.pop(topic, None)
        state = self.current(topic)
        if self._last.get(topic) != state:
            self._last[topic] = state
            self._told_at[topic] = time.monotonic()
            self._changed(topic, *state)


def _read(message: Mapping[str, Any]) -> tuple[int, list[str]] | None:
    return (message["count"], message["names"]) if message["count"] else None
