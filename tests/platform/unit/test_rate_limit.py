import pytest

from channels_live.rate_limit import Limit, TokenBucket, TokenBuckets, take_from_all

NOW = 1000.0


def taken(bucket: TokenBucket, now: float, attempts: int) -> int:
    return sum(take_from_all([bucket], now) == 0 for _ in range(attempts))


def test_a_new_bucket_gives_its_burst_and_not_one_more():
    bucket = TokenBucket(Limit(rate=10, burst=60))
    assert taken(bucket, NOW, 61) == 60


def test_it_fills_at_its_rate_and_never_beyond_its_burst():
    bucket = TokenBucket(Limit(rate=10, burst=60))
    taken(bucket, NOW, 60)
    assert taken(bucket, NOW + 2, 60) == 20
    assert taken(bucket, NOW + 3600, 100) == 60


def test_who_waits_as_long_as_it_says_gets_a_token():
    bucket = TokenBucket(Limit(rate=0.5, burst=1))
    bucket.take(NOW)
    assert bucket.wait(NOW) == pytest.approx(2)
    assert bucket.wait(NOW + 1.5) == pytest.approx(0.5)
    assert bucket.wait(NOW + bucket.wait(NOW)) == 0


def test_a_rate_of_0_is_no_limit():
    assert taken(TokenBucket(Limit(rate=0, burst=1)), NOW, 1000) == 1000


def test_who_is_refused_by_one_bucket_takes_nothing_from_another():
    empty, other = TokenBucket(Limit(1, 1)), TokenBucket(Limit(1, 2))
    empty.take(NOW)
    assert take_from_all([other, empty], NOW) == pytest.approx(1)
    assert taken(other, NOW, 3) == 2


def test_keys_have_buckets_of_their_own():
    buckets = TokenBuckets[str](Limit(1, 1))
    buckets.of("alice", NOW).take(NOW)
    assert buckets.of("alice", NOW).wait(NOW)
    assert not buckets.of("bob", NOW).wait(NOW)


def test_only_those_in_use_are_kept():
    buckets = TokenBuckets[int](Limit(1, 5), few=10)
    for _ in range(4):
        buckets.of(-1, NOW).take(NOW)
    for key in range(10_000):
        now = NOW + key
        buckets.of(key, now).take(now)
        buckets.of(-1, now).take(now)  # busy all the time
        assert len(buckets) <= 12
    assert buckets.of(-1, NOW + 9999).wait(NOW + 9999)


def test_a_crowd_that_is_in_use_is_kept_whole():
    buckets = TokenBuckets[int](Limit(1, 5))
    for key in range(5000):
        buckets.of(key, NOW).take(NOW)
    assert len(buckets) == 5000
