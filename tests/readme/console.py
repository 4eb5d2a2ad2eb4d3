"""Commands in the console blocks of documents."""

import os
import re
import subprocess
from pathlib import Path

from deploy.local.stack import ROOT

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Set because the tests themselves run under make, in a virtual environment.
OURS = {"PYTHONPATH", "DJANGO_SETTINGS_MODULE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV"}


def blocks(document: str, heading: str = "") -> list[str]:
    """Return the console blocks of a document, or of its section below a heading."""
    text = (ROOT / document).read_text()
    if heading:
        text = text.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    return BLOCK.findall(text)


def commands(document: str, heading: str = "") -> list[str]:
    """Return the commands, which begin with ``$``, without their output and comments."""
    lines = [line for block in blocks(document, heading) for line in block.splitlines()]
    return [re.sub(r"\s+# .*", "", line[2:]) for line in lines if line.startswith("$ ")]


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a new terminal."""
    return {name: value for name, value in os.environ.items() if name not in OURS} | more


def run(command: str, folder: Path, seconds: float = 300, **more: str) -> str:
    """Run a command in bash, and return its output; raises AssertionError with the output if it fails."""
    result = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert result.returncode == 0, f"{command}: {result.stdout}"
    return result.stdout
