"""The tests of channels-redis' pub/sub layer, run on ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import Process, ports
from deploy.local.binaries import find_redis
from deploy.local.process import answers_redis_ping
from tests.upstream.sdists import unpacked
from tests.upstream.suite import run_suite

# Of the suite: the name of the master, and the password of the sentinel.
SENTINEL = "sentinel monitor sentinel {host} {redis} 1\nrequirepass channels_redis\nbind {host}\nport {port}\n"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Process]:
    port = ports.pick()
    command = [str(find_redis()), "--bind", ports.HOST, "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    process = Process("redis", "redis", f"redis://{ports.HOST}:{port}/0", command, tmp_path / "log", answers_redis_ping)
    process.start()
    try:
        process.wait_ready()
        yield process
    finally:
        process.stop()


@pytest.fixture
def sentinel(tmp_path: Path, redis: Process) -> Iterator[Process]:
    """A Sentinel that watches the Redis; it writes what it knows into its configuration."""
    port = ports.pick()
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text(SENTINEL.format(host=ports.HOST, port=port, redis=redis.url.split(":")[2].split("/")[0]))
    command = [str(find_redis()), str(configuration), "--sentinel"]
    log = tmp_path / "sentinel.log"
    process = Process(
        "sentinel", "redis", f"{ports.HOST}:{port}", command, log, lambda _: "+monitor" in log.read_text()
    )
    process.start()
    try:
        process.wait_ready()
        yield process
    finally:
        process.stop()


@pytest.mark.timeout(600)
def test_the_pubsub_tests_pass(tmp_path: Path, redis: Process, sentinel: Process) -> None:
    run_suite(
        unpacked("channels-redis"),
        "tests.upstream.on_our_layer",
        tmp_path,
        # Of its own configuration, "-p no:django" is for a plugin that is not loaded here.
        "--override-ini=addopts=",
        "tests/test_pubsub.py",
        "tests/test_pubsub_sentinel.py",
        REDIS_URL=redis.url,
        CHANNEL_PREFIX="upstream",
        SENTINEL=sentinel.url,
    )
