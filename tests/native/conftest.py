import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.stack import ROOT
from tests.native.run import Run, copy_repository
from tests.redis import redis_part

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
    redis = redis_part(tmp_path)
    redis.start()
    redis.wait_ready()
    yield redis.url
    redis.stop()
