"""Runs `make run`'s program, in this repository or in a modified copy."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.local import ports
from deploy.local.stack import ROOT


class Run:
    """A running `python -m deploy.local`."""

    def __init__(
        self, directory: Path, root: Path, stdin: int = subprocess.DEVNULL, *options: str, **environment: str
    ) -> None:
        self.directory = directory
        self.port = int(environment.setdefault("PORT", str(ports.pick())))
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "--directory", str(directory), *options],
            cwd=root,
            # As the Makefile has it.
            env={**os.environ, "PYTHONPATH": "src:services:apps:.", **environment},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, text: str) -> str:
        """Read the output until a line contains the text, and return the line."""
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


def copy_repository(target: Path, *apps: str) -> Path:
    """Copy the code, with these apps of examples/ installed beside the chat, and return the copy."""
    for folder in ("src", "apps", "deploy", "services"):
        shutil.copytree(ROOT / folder, target / folder)
    shutil.copy(ROOT / "manage.py", target)
    for app in apps:
        shutil.copytree(ROOT / "examples" / app, target / "apps" / app, dirs_exist_ok=True)
        add_app(target, app)
    return target


def add_app(root: Path, app: str) -> None:
    """Add an app to PROJECT_APPS."""
    settings = root / "services/base/settings.py"
    text = settings.read_text()
    (line,) = re.findall(r"^PROJECT_APPS = \[(.*)\]$", text, re.MULTILINE)
    if f'"{app}"' not in line:
        settings.write_text(text.replace(line, f'{line}, "{app}"'))
