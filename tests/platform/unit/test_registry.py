"""Pings and ages of the open sockets, by a clock that the test moves."""

import pytest

from channels_live.server import registry
from channels_live.server.registry import Registry


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    time = monotonic


class Socket:
    is_paused = False

    def __init__(self, clock: Clock) -> None:
        self.last_received_at = self.socket_opened = clock.now
        self.pings = 0
        # Bytes that the client has not received yet, and that it has.
        self.waiting = self.received = 0
        # Its kernel receives nothing, not even pings.
        self.has_vanished = False
        self.is_dropped = False
        self.closed_at: float | None = None
        self.clock = clock

    def unsent(self) -> object:
        return self.waiting or None

    def acknowledged(self) -> int:
        return self.received

    def sendPing(self) -> None:
        self.pings += 1
        if self.has_vanished:
            self.waiting += 2

    def dropConnection(self, abort: bool) -> None:
        self.is_dropped = abort

    def close(self, code: int) -> None:
        raise AssertionError

    def close_gracefully(self, code: int) -> None:
        assert code == 1012
        self.closed_at = self.closed_at or self.clock.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(registry, "time", clock)
    return clock


def run(sockets: Registry, clock: Clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.now += 1
        sockets.tick()


def test_one_that_still_receives_what_was_sent_before_the_ping_is_not_dropped(clock):
    sockets = Registry(interval=2, timeout=30)
    reading, stalled = Socket(clock), Socket(clock)
    for socket in (reading, stalled):
        socket.waiting = 1000
        sockets.add(socket)
    for _ in range(20):
        reading.waiting -= 1
        reading.received += 1
        run(sockets, clock, 10)
    assert not reading.is_dropped
    assert stalled.is_dropped
    # It has all of it, and still does not answer.
    reading.waiting = 0
    run(sockets, clock, 65)
    assert reading.is_dropped
    for socket in (reading, stalled):
        sockets.discard(socket)
    assert not sockets._received


def test_one_that_is_not_read_is_not_dropped_for_its_silence(clock):
    sockets = Registry(interval=20, timeout=30)
    paused = Socket(clock)
    paused.is_paused = True
    sockets.add(paused)
    run(sockets, clock, 200)
    assert not paused.is_dropped
    paused.is_paused = False
    run(sockets, clock, 20 + 10 + 40)
    assert paused.is_dropped


def test_the_silent_are_pinged_once_an_interval_and_dropped_without_an_answer(clock):
    sockets = Registry(interval=20, timeout=30)
    silent = Socket(clock)
    sockets.add(silent)
    run(sockets, clock, 20 + 10)
    assert silent.pings >= 1
    assert not silent.is_dropped
    run(sockets, clock, 40)
    assert silent.is_dropped


def test_one_whose_host_has_vanished_is_dropped(clock):
    sockets = Registry(interval=20, timeout=30)
    vanished = Socket(clock)
    vanished.has_vanished = True
    sockets.add(vanished)
    run(sockets, clock, 20 + 10 + 30 + 40)
    assert vanished.is_dropped


def test_who_answers_stays(clock):
    sockets = Registry(interval=20, timeout=30)
    answering = Socket(clock)
    sockets.add(answering)
    for _ in range(200):
        pings = answering.pings
        run(sockets, clock, 1)
        if answering.pings > pings:
            answering.last_received_at = clock.now + 0.01
    assert answering.pings in (9, 10)
    assert not answering.is_dropped


def test_a_tick_looks_only_at_its_share(clock):
    sockets = Registry(interval=20, timeout=30)
    members = [Socket(clock) for _ in range(4000)]
    for member in members:
        sockets.add(member)
    assert len(sockets) == len(list(sockets)) == 4000
    clock.now += 100
    before = 0
    for _ in range(20):
        sockets.tick()
        pings = sum(member.pings for member in members)
        assert 100 < pings - before < 320
        before = pings
    assert before == 4000
    for member in members:
        sockets.discard(member)
    assert len(sockets) == 0


def test_the_old_are_closed_each_at_its_own_moment(clock):
    sockets = Registry(interval=1, timeout=100_000, max_age=1000)
    members = [Socket(clock) for _ in range(1000)]
    begun = clock.now
    for member in members:
        sockets.add(member)
    run(sockets, clock, 1102)
    ages = sorted((member.closed_at or 0) - begun for member in members)
    assert 900 <= ages[0] <= 920
    assert 1080 <= ages[-1] <= 1101
    # No tenth of the span holds more than a quarter.
    assert max(sum(low <= age < low + 20 for age in ages) for low in range(900, 1100, 20)) < 250


def test_no_age_is_no_limit(clock):
    sockets = Registry(interval=1, timeout=100_000)
    member = Socket(clock)
    sockets.add(member)
    run(sockets, clock, 5000)
    assert member.closed_at is None
