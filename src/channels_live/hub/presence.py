"""Who is in a topic, over all processes.

Each process announces its own members on every change and again every ten seconds, with many topics less often, and
forgets those of a process that has missed three times. Nothing is kept: a lost announcement is made good by the next.
"""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from channels_live.hub.hub import Hub
from channels_live.observability import metrics

CHANGE_SECONDS = 0.2
REPEAT_SECONDS = 10.0
# Announcements of one process about topics in which nothing has changed. Each is heard by all processes with members:
# without this limit they were two thirds of the work of a million connections in rooms of 20 (make capacity).
REPEATS_PER_SECOND = 50
# A process repeats in so many steps, so that no message waits behind thousands of announcements.
REPEAT_STEPS = 20
MISSED_REPEATS = 3
# Members of one topic in this process that are told of changes. In a room of 10,000 somebody comes or goes all the
# time, and each change would be 10,000 frames.
TOLD_PER_SECOND = 1000
# Names in an announcement; the counts are always complete.
MAX_NAMES = 100


class Presence:
    """Counts the members of the hub's topics, here and elsewhere.

    ``changed`` is called with a topic, its number of members and some of their names after a change; after several
    where the members are many.
    """

    def __init__(self, hub: Hub, changed: Callable[[str, int, list[str]], None]) -> None:
        self._hub = hub
        self._changed = changed
        self._process = uuid.uuid4().hex
        self._here: dict[str, Counter[str]] = {}
        self._elsewhere: dict[str, dict[str, tuple[float, int, list[str]]]] = {}
        self._last: dict[str, tuple[int, list[str]]] = {}
        self._told_at: dict[str, float] = {}
        self._telling: dict[str, asyncio.TimerHandle] = {}
        self._due: set[str] = set()
        self._asking: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._repeat_seconds = REPEAT_SECONDS
        hub.handlers["presence"] = self._heard
        self._announcer = asyncio.create_task(self._repeat_all())

    def join(self, topic: str, name: str) -> None:
        """Count a member in."""
        here = self._here.setdefault(topic, Counter())
        if not here:
            self._asking.add(topic)
        here[name] += 1
        self._announce_soon(topic)

    def leave(self, topic: str, name: str) -> None:
        """Count a member out."""
        here = self._here.get(topic)
        if here is None:
            return
        here[name] -= 1
        if here[name] <= 0:
            del here[name]
        self._announce_soon(topic)
        if not here:
            del self._here[topic]
            self._elsewhere.pop(topic, None)
            self._last.pop(topic, None)
            self._told_at.pop(topic, None)
            if timer := self._telling.pop(topic, None):
                timer.cancel()

    def current(self, topic: str) -> tuple[int, list[str]]:
        """Return the number of members, and the names of at most MAX_NAMES, sorted. A name counts once."""
        here = self._here.get(topic, Counter())
        names = set(list(here)[:MAX_NAMES])
        count = len(here)
        for _, number, theirs in self._elsewhere.get(topic, {}).values():
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
        self._announcer.cancel()
        for timer in (self._timer, *self._telling.values()):
            if timer:
                timer.cancel()
        self._announce_due()

    def _heard(self, message: dict[str, Any]) -> None:
        topic, process = message["topic"], message["process"]
        if process == self._process or topic not in self._here:
            return
        metrics.PRESENCE_RECEIVED.inc()
        elsewhere = self._elsewhere.setdefault(topic, {})
        if message["count"]:
            # A process of the release before does not say how often it repeats.
            silence = MISSED_REPEATS * message.get("repeat_seconds", REPEAT_SECONDS)
            elsewhere[process] = (time.monotonic() + silence, message["count"], message["names"])
        else:
            elsewhere.pop(process, None)
        if message["asks"]:
            self._announce_soon(topic)
        self._tell(topic)

    def _tell(self, topic: str) -> None:
        """Tell the members here what has changed: at once, or later where they are many and were told just now."""
        if topic in self._telling:
            return
        wait = self._told_at.get(topic, 0.0) + len(self._here[topic]) / TOLD_PER_SECOND - time.monotonic()
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

    def _announce_soon(self, topic: str) -> None:
        """Announce after a moment, so that a crowd that comes at once is one announcement."""
        self._due.add(topic)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CHANGE_SECONDS, self._announce_due)

    def _announce_due(self) -> None:
        self._timer = None
        due, self._due = self._due, set()
        for topic in due:
            self._announce(topic)
            if topic in self._here:
                self._tell(topic)

    def _announce(self, topic: str) -> None:
        here = self._here.get(topic, Counter())
        metrics.PRESENCE_SENT.inc()
        self._hub.send(
            topic,
            {
                "type": "presence",
                "topic": topic,
                "process": self._process,
                "count": len(here),
                "names": list(here)[:MAX_NAMES],
                "asks": topic in self._asking,
                "repeat_seconds": self._repeat_seconds,
            },
        )
        self._asking.discard(topic)

    async def _repeat_all(self) -> None:
        while True:
            wanted = max(REPEAT_SECONDS, len(self._here) / REPEATS_PER_SECOND)
            # Others were promised the seconds of the round before, and wait for three times as many.
            self._repeat_seconds = min(wanted, 2 * self._repeat_seconds)
            for step in range(REPEAT_STEPS):
                await asyncio.sleep(self._repeat_seconds / REPEAT_STEPS)
                for topic in [topic for topic in self._here if hash(topic) % REPEAT_STEPS == step]:
                    self._repeat(topic)

    def _repeat(self, topic: str) -> None:
        now = time.monotonic()
        elsewhere = self._elsewhere.get(topic, {})
        for process in [process for process, (until, *_) in elsewhere.items() if until < now]:
            del elsewhere[process]
        self._announce(topic)
        self._tell(topic)
