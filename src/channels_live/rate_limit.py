"""Token buckets: what one sender, or one room, may do in a second, and how much of it at once.

A bucket is one number, the time at which it will be full again (the generic cell rate algorithm, ITU-T I.371). Times
are those of ``time.monotonic``.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Limit", "TokenBucket", "TokenBuckets", "take_from_all"]

Key = TypeVar("Key", bound=Hashable)

# Sums of floats are a little off.
ROUNDING = 1e-6
# Buckets that are kept without a look at whether they are full.
FEW = 1000


@dataclass(frozen=True, slots=True)
class Limit:
    """``rate`` tokens a second, and at most ``burst`` (1 or more) of them at once; a rate of 0 is no limit."""

    rate: float
    burst: float


class TokenBucket:
    """A bucket that begins full."""

    __slots__ = ("_full_at", "_limit")

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._full_at = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until a token is there, 0 where one is there now."""
        if not self._limit.rate:
            return 0.0
        wait = self._full_at - now - (self._limit.burst - 1) / self._limit.rate
        return wait if wait > ROUNDING else 0.0

    def take(self, now: float) -> None:
        """Take a token; only after ``wait`` said 0."""
        if self._limit.rate:
            self._full_at = max(self._full_at, now) + 1 / self._limit.rate

    def is_full(self, now: float) -> bool:
        """Whether it is as good as a new one."""
        return self._full_at <= now


class TokenBuckets(Generic[Key]):
    """A bucket for each key. One that is full again is forgotten, so that only who is busy costs memory."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._buckets: dict[Key, TokenBucket] = {}
        self._most = FEW

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, key: Key, now: float) -> TokenBucket:
        """Return the key's bucket; use it at once, and do not keep it."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._most:
                self._forget_full_ones(now)
            bucket = self._buckets[key] = TokenBucket(self._limit)
        return bucket

    def _forget_full_ones(self, now: float) -> None:
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_full(now)}
        # Twice as many as are in use, so that the look at all of them costs each new one next to nothing.
        self._most = max(FEW, 2 * len(self._buckets))


def take_from_all(buckets: Iterable[TokenBucket], now: float) -> float:
    """Take a token from each and return 0, or take none and return the seconds until all have one."""
    buckets = tuple(buckets)
    wait = max((bucket.wait(now) for bucket in buckets), default=0.0)
    if not wait:
        for bucket in buckets:
            bucket.take(now)
    return wait
