"""Token buckets: sustained rate and burst size of one sender or room.

A bucket is one number, the time at which it will be full again (the generic cell rate algorithm, ITU-T I.371). Times
are those of ``time.monotonic``.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Limit", "TokenBucket", "TokenBuckets", "take_from_all"]

Key = TypeVar("Key", bound=Hashable)

# Tolerance for rounding errors of floats.
ROUNDING = 1e-6
# So many buckets are kept without checking whether they are full.
FEW = 1000


@dataclass(frozen=True, slots=True)
class Limit:
    """``rate`` tokens per second, and at most ``burst`` (1 or more) at once; a rate of 0 is unlimited."""

    rate: float
    burst: float


class TokenBucket:
    """A bucket that starts full."""

    __slots__ = ("_full_at", "_limit")

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._full_at = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until a token is available, 0 if one is available now."""
        if not self._limit.rate:
            return 0.0
        wait = self._full_at - now - (self._limit.burst - 1) / self._limit.rate
        return wait if wait > ROUNDING else 0.0

    def take(self, now: float) -> None:
        """Take a token; call it only after ``wait`` has returned 0."""
        if self._limit.rate:
            self._full_at = max(self._full_at, now) + 1 / self._limit.rate

    def is_full(self, now: float) -> bool:
        """Whether the bucket is full, like a new one."""
        return self._full_at <= now


class TokenBuckets(Generic[Key]):
    """A bucket for each key. Full ones are removed, so that only active keys need memory.

    ``few`` is how many buckets there may be before full ones are looked for.
    """

    def __init__(self, limit: Limit, few: int = FEW) -> None:
        self._limit = limit
        self._few = few
        self._buckets: dict[Key, TokenBucket] = {}
        self._most = few

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, key: Key, now: float) -> TokenBucket:
        """Return the key's bucket; use it at once, and do not store it."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._most:
                self._forget_full_ones(now)
            bucket = self._buckets[key] = TokenBucket(self._limit)
        return bucket

    def _forget_full_ones(self, now: float) -> None:
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_full(now)}
        # Twice as many as are in use, so that checking all of them costs little per new key.
        self._most = max(self._few, 2 * len(self._buckets))


def take_from_all(buckets: Iterable[TokenBucket], now: float) -> float:
    """Take a token from each and return 0, or take none and return the seconds until all have one."""
    buckets = tuple(buckets)
    wait = max((bucket.wait(now) for bucket in buckets), default=0.0)
    if not wait:
        for bucket in buckets:
            bucket.take(now)
    return wait
