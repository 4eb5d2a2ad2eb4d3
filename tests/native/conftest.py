import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import ports
from deploy.local.binaries import find_redis
from deploy.local.part import Part, answers_redis_ping
from deploy.local.stack import ROOT
from tests.native.run import Run, copy_repository

StartRun = Callable[..., Run]


@pytest.fixture
def start_run(tmp_path: Path) -> Iterator[StartRun]:
    runs: list[Run] = []

    def start(*options: str, root: Path = ROOT, stdin: int = subprocess.DEVNULL, **environment: str) -> Run:
        run = Run(tmp_path / "run", root, stdin, *options, **environment)
        runs.append(run)
        return run

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.end(signal.SIGTERM)


@pytest.fixture
def copied_repository(tmp_path: Path) -> Path:
    """A copy of the code, for tests that change it."""
    return copy_repository(tmp_path / "repository")


@pytest.fixture
def redis_address(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis of the test's own, which takes any password of its user ``default``."""
    port = ports.pick()
    command = [str(find_redis()), "--bind", ports.HOST, "--port", str(port), "--save", ""]
    address = f"redis://{ports.HOST}:{port}/0"
    redis = Part("redis", "redis", address, command, tmp_path / "redis.log", answers_redis_ping)
    redis.start()
    redis.wait_ready()
    yield address
    redis.stop()
