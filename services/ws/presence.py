"""Who is in a topic, over all processes.

Each process announces its own members on every change and every ten seconds, and forgets those of a process it
has not heard of for thirty. Nothing is kept: a lost announcement is made good by the next.
"""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from ws import metrics
from ws.hub import Hub

CHANGE_SECONDS = 0.2
ANNOUNCE_SECONDS = 10.0
FORGET_SECONDS = 30.0
# Names in an announcement; the counts are always complete.
MAX_NAMES = 100


class Presence:
    """Counts the members of the hub's topics, here and elsewhere.

    ``changed`` is called with a topic, its number of members and some of their names after each change.
    """

    def __init__(self, hub: Hub, changed: Callable[[str, int, list[str]], None]) -> None:
        self._hub = hub
        self._changed = changed
        self._process = uuid.uuid4().hex
        self._here: dict[str, Counter[str]] = {}
        self._elsewhere: dict[str, dict[str, tuple[float, int, list[str]]]] = {}
        self._last: dict[str, tuple[int, list[str]]] = {}
        self._due: set[str] = set()
        self._asking: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        hub.handlers["presence"] = self._heard
        self._announcer = asyncio.create_task(self._announce_all())

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

    def current(self, topic: str) -> tuple[int, list[str]]:
        """Return the number of members, and the names of at most MAX_NAMES, sorted. A name counts once."""
        here = self._here.get(topic, Counter())
        names = set(list(here)[:MAX_NAMES])
        count = len(here)
        for _, number, theirs in self._elsewhere.get(topic, {}).values():
            count += number - len(names & set(theirs))
            names |= set(theirs)
        return count, sorted(names)[:MAX_NAMES]

    def close(self) -> None:
        """Announce at once what has changed, and nothing more."""
        self._announcer.cancel()
        if self._timer:
            self._timer.cancel()
        self._announce_due()

    def _heard(self, message: dict[str, Any]) -> None:
        topic, process = message["topic"], message["process"]
        if process == self._process or topic not in self._here:
            return
        metrics.PRESENCE_RECEIVED.inc()
        elsewhere = self._elsewhere.setdefault(topic, {})
        if message["count"]:
            elsewhere[process] = (time.monotonic(), message["count"], message["names"])
        else:
            elsewhere.pop(process, None)
        if message["asks"]:
            self._announce_soon(topic)
        self._tell(topic)

    def _tell(self, topic: str) -> None:
        state = self.current(topic)
        if self._last.get(topic) != state:
            self._last[topic] = state
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
            },
        )
        self._asking.discard(topic)

    async def _announce_all(self) -> None:
        while True:
            await asyncio.sleep(ANNOUNCE_SECONDS)
            forgotten = time.monotonic() - FORGET_SECONDS
            for topic in list(self._here):
                elsewhere = self._elsewhere.get(topic, {})
                for process in [process for process, (heard, *_) in elsewhere.items() if heard < forgotten]:
                    del elsewhere[process]
                self._announce(topic)
                self._tell(topic)
