"""The docker command."""

import json
import subprocess
from typing import Any


def docker(*arguments: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a docker command; raises AssertionError with its output if it fails."""
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, **options)
    assert not check or result.returncode == 0, f"docker {' '.join(arguments)}: {result.stderr}{result.stdout}"
    return result


def inspect(*names: str) -> list[dict[str, Any]]:
    """Return the output of ``docker inspect`` for containers, images, networks or volumes."""
    return json.loads(docker("inspect", *names).stdout) if names else []


def is_running() -> bool:
    """Whether a container engine answers."""
    try:
        return docker("info", check=False, timeout=30).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
