"""A Redis of a test's own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import Process, ports
from deploy.local.binaries import find_redis
from deploy.local.process import answers_redis_ping


def redis_process(directory: Path) -> Process:
    """Return a Redis without a password, which keeps nothing; start it yourself."""
    port = ports.pick()
    command = [str(find_redis()), "--bind", ports.HOST, "--port", str(port), "--save", "", "--dir", str(directory)]
    return Process(
        "redis", "redis", f"redis://{ports.HOST}:{port}/0", command, directory / "redis.log", answers_redis_ping
    )


@contextlib.contextmanager
def running_redis(directory: Path) -> Iterator[Process]:
    """Start such a Redis, and stop it at the end."""
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
