"""What each process says of itself to the others, without a place where it is kept.

Each announces its state on every change and again every ten seconds, with many keys less often, and forgets the state
of a process that has missed three announcements. A process that arrives asks the others for theirs. A lost
announcement is made good by the next.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any, Generic, TypeVar

State = TypeVar("State")

# Changes that come within so many seconds are one announcement.
CHANGE_SECONDS = 0.2
REPEAT_SECONDS = 10.0
# Announcements of one process about keys of which nothing has changed. Each is received by all processes that follow
# the key: without this limit they were two thirds of the work of a million connections in rooms of 20 (make capacity).
REPEATS_PER_SECOND = 50
# A process repeats in so many steps, so that no message waits behind thousands of announcements.
REPEAT_STEPS = 20
MISSED_REPEATS = 3


class Gossip(Generic[State]):
    """The states of all other processes, by key. Make it inside the event loop.

    ``send`` is called with a key and a message for all processes that follow the key. ``announcement`` returns the
    fields of the message that say the state of this process, also for a key that it has left; ``read`` returns the
    state that a message of another process says, None where it has left. ``changed`` is called with a key after
    anything that may have changed a state, here or elsewhere.

    In the message, ``process`` says whose state it is, ``asks`` whether the others are to announce theirs, and
    ``repeat_seconds`` how soon the next comes at the latest; without it the default holds.
    """

    def __init__(
        self,
        send: Callable[[str, dict[str, Any]], None],
        announcement: Callable[[str], dict[str, Any]],
        read: Callable[[Mapping[str, Any]], State | None],
        changed: Callable[[str], None],
        *,
        change_seconds: float = CHANGE_SECONDS,
        repeat_seconds: float = REPEAT_SECONDS,
        repeats_per_second: float = REPEATS_PER_SECOND,
    ) -> None:
        self._send = send
        self._announcement = announcement
        self._read = read
        self._changed = changed
        self._change_seconds = change_seconds
        self._least_repeat_seconds = self._repeat_seconds = repeat_seconds
        self._repeats_per_second = repeats_per_second
        self._process = uuid.uuid4().hex
        # By key and process: until when it holds, and the state. None for a key of which no other process has said
        # anything: most, where the members of a topic are led to one process.
        self._others: dict[str, dict[str, tuple[float, State]] | None] = {}
        self._due: set[str] = set()
        self._asking: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._repeater = asyncio.create_task(self._repeat_all())

    def arrive(self, key: str) -> None:
        """Follow a key from now on: announce the state here soon, and ask the others for theirs."""
        self._others.setdefault(key, None)
        self._asking.add(key)
        self.announce_soon(key)

    def leave(self, key: str) -> None:
        """Follow the key no more; the others are told soon."""
        self._others.pop(key, None)
        self.announce_soon(key)

    def announce_soon(self, key: str) -> None:
        """Announce the state after ``change_seconds``, so that a reconnect storm is one announcement."""
        self._due.add(key)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._change_seconds, self._announce_due)

    def others(self, key: str) -> Collection[State]:
        """Return the states of the other processes that still hold."""
        now, others = time.monotonic(), self._others.get(key) or {}
        return [state for until, state in others.values() if until >= now]

    def receive(self, key: str, message: Mapping[str, Any]) -> bool:
        """Take note of an announcement; return whether it concerns this process."""
        process = message["process"]
        if process == self._process or key not in self._others:
            return False
        others = self._others[key] or {}
        if (state := self._read(message)) is not None:
            # The release before does not say how often it repeats.
            silence = MISSED_REPEATS * message.get("repeat_seconds", self._least_repeat_seconds)
            others[process] = time.monotonic() + silence, state
        else:
            others.pop(process, None)
        self._others[key] = others or None
        if message["asks"]:
            self.announce_soon(key)
        self._changed(key)
        return True

    def close(self) -> None:
        """Announce at once what has changed, and nothing more."""
        self._repeater.cancel()
        if self._timer:
            self._timer.cancel()
        self._announce_due()

    def _announce_due(self) -> None:
        self._timer = None
        due, self._due = self._due, set()
        for key in due:
            self._announce(key)

    def _announce(self, key: str) -> None:
        message = {
            **self._announcement(key),
            "process": self._process,
            "asks": key in self._asking,
            "repeat_seconds": self._repeat_seconds,
        }
        self._asking.discard(key)
        self._send(key, message)
        if key in self._others:
            self._changed(key)

    async def _repeat_all(self) -> None:
        while True:
            wanted = max(self._least_repeat_seconds, len(self._others) / self._repeats_per_second)
            # Others were promised the seconds of the round before, and wait for three times as many.
            self._repeat_seconds = min(wanted, 2 * self._repeat_seconds)
            for step in range(REPEAT_STEPS):
                await asyncio.sleep(self._repeat_seconds / REPEAT_STEPS)
                for key in [key for key in self._others if hash(key) % REPEAT_STEPS == step]:
                    self._forget_silent(key)
                    self._announce(key)

    def _forget_silent(self, key: str) -> None:
        now, others = time.monotonic(), self._others[key] or {}
        self._others[key] = {process: entry for process, entry in others.items() if entry[0] >= now} or None
