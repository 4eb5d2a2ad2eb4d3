"""Whose fault it is that a message is refused."""

from typing import Any

import pytest

from chat import limits as limits_module
from chat.limits import Limits, MemberLimits, RateLimited


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limits_module, "time", clock)
    return clock


@pytest.fixture
def limits(settings: Any) -> Limits:
    settings.CHANNELS_LIVE, settings.CHAT = {"MESSAGE_RATE": 2, "MESSAGE_BURST": 10}, {"ROOM_MESSAGE_RATE": 1}
    return Limits()


def refused(limits: Limits, member: MemberLimits, user: str | None = None) -> RateLimited | None:
    try:
        limits.take_message(member, user, "lobby")
    except RateLimited as error:
        return error
    return None


def fill(limits: Limits) -> None:
    assert refused(limits, limits.of_member()) is None


def faults(limits: Limits, member: MemberLimits, count: int) -> list[tuple[str, bool]]:
    errors = [refused(limits, member) for _ in range(count)]
    return [(error.limit, error.is_own_fault) for error in errors if error]


def test_a_full_room_is_nobodys_fault_until_a_member_goes_on_and_on(clock, limits):
    fill(limits)
    member, other = limits.of_member(), limits.of_member()
    assert faults(limits, member, 15) == [("room", False)] * 10 + [("room", True)] * 5
    assert faults(limits, other, 1) == [("room", False)]


def test_it_is_so_too_where_members_may_say_what_they_like(clock, settings):
    settings.CHANNELS_LIVE, settings.CHAT = {"MESSAGE_RATE": 0, "MESSAGE_BURST": 10}, {"ROOM_MESSAGE_RATE": 1}
    limits = Limits()
    fill(limits)
    assert faults(limits, limits.of_member(), 15) == [("room", False)] * 10 + [("room", True)] * 5


def test_who_waits_as_long_as_it_is_told_is_never_at_fault(clock, limits):
    member = limits.of_member()
    for _ in range(100):
        # The others are always faster.
        while refused(limits, limits.of_member()) is None:
            pass
        error = refused(limits, member, "alice")
        assert error
        assert (error.limit, error.is_own_fault) == ("room", False)
        clock.now += error.retry_after


def test_ones_own_limit_is_named_however_long_the_room_is_full(clock, limits):
    member = limits.of_member()
    for _ in range(10):
        assert refused(limits, member) is None
        clock.now += 1.0
    clock.now -= 1.0
    limits.take_invalid(member)
    while True:
        try:
            limits.take_invalid(member)
        except RateLimited:
            break
    error = refused(limits, member)
    assert error
    assert (error.limit, error.is_own_fault) == ("member", True)
    assert error.retry_after == 1.0
