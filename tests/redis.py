"""A Redis of a test's own."""

from pathlib import Path

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
