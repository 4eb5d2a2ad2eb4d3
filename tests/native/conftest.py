import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local import ports
from deploy.local.stack import ROOT


class Run:
    """What `make run` starts, with its output as it comes."""

    def __init__(self, directory: Path, root: Path, stdin: int, *options: str, **environment: str) -> None:
        self.directory = directory
        self.port = int(environment.setdefault("PORT", str(ports.pick())))
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "--directory", str(directory), *options],
            cwd=root,
            env={**os.environ, "PYTHONPATH": "", **environment},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, text: str) -> str:
        """Read on until a line holds the text, and return the line."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if text in line:
                return line
        pytest.fail(f"{text!r} did not come:\n" + "\n".join(self.lines))

    def description(self) -> Any:
        return json.loads((self.directory / "stack.json").read_text())

    def end(self, number: signal.Signals) -> int:
        """Send the signal, and return the exit code."""
        self.process.send_signal(number)
        self.process.communicate(timeout=10)
        return self.process.returncode


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
    root = tmp_path / "repository"
    for folder in ("apps", "deploy", "services"):
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy(ROOT / "manage.py", root)
    return root
