"""A Redis of a test's own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels_live.testing import Process, redis_process


@contextlib.contextmanager
def running_redis(directory: Path) -> Iterator[Process]:
    """Start a Redis without a password, which keeps nothing, and stop it at the end."""
    redis = redis_process(directory)
    redis.start()
    try:
        redis.wait_ready()
        yield redis
    finally:
        redis.stop(2)


@pytest.fixture
def redis_address(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis of the test's own, which takes any password of its user ``default``."""
    with running_redis(tmp_path) as redis:
        yield redis.url
