"""The distribution channels-live: its wheel, and what pyproject.toml declares of it."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src/channels_live"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def build_wheel(project: Path, directory: Path) -> Path:
    """Build the wheel of the project in a folder as ``make wheel`` does, and return its path."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)]
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    (wheel,) = directory.glob("*.whl")
    return wheel
