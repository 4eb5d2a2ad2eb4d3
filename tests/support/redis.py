"""A Redis of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import Part, ports
from deploy.local.binaries import find_redis
from deploy.local.part import answers_redis_ping


def redis_part(directory: Path) -> Part:
    """Return a Redis without a password, which keeps nothing; start it yourself."""
    port = ports.pick()
    command = [str(find_redis()), "--bind", ports.HOST, "--port", str(port), "--save", "", "--dir", str(directory)]
    return Part(
        "redis", "redis", f"redis://{ports.HOST}:{port}/0", command, directory / "redis.log", answers_redis_ping
    )


@pytest.fixture
def redis_address(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis of the test's own, which takes any password of its user ``default``."""
    redis = redis_part(tmp_path)
    redis.start()
    redis.wait_ready()
    yield redis.url
    redis.stop()
