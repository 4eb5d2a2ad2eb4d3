"""The chat's suites of ``make test`` and ``make test-browser``, against containers."""

import os
import subprocess
import sys

import pytest

from tests.containers.project import ROOT, Project

# What is left out asks only the page's own script and style, which are the same files, and takes minutes, or runs a
# stack of its own.
LEFT_OUT = (
    "accessibility",
    "composer",
    "content_security_policy",
    "delivery",
    "history",
    "hostile_texts",
    "index",
    "chat_connection",
    "transcript",
    "unread",
)
ANYWHERE = [f"--ignore=tests/chat/browser/test_{name}.py" for name in LEFT_OUT]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "suite", [["tests/chat/behaviour"], ["tests/chat/browser", *ANYWHERE]], ids=lambda suite: suite[0]
)
def test_passes_against_containers(project: Project, suite: list[str]) -> None:
    environment = os.environ | {"BASE_URL": project.url}
    result = subprocess.run([sys.executable, "-m", "pytest", *suite], cwd=ROOT, env=environment, check=False)
    assert result.returncode == 0
