import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.stack import ROOT
from tests.support.redis import redis_address  # noqa: F401
from tests.support.run import Run, copy_repository

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
