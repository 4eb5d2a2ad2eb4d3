"""Suites of ``make test`` and ``make test-browser``, against the containers."""

import os
import subprocess
import sys

import pytest

from tests.containers.project import ROOT, Project

# These test only scripts and styles, which are the same files, and take minutes, or they run a stack of their own.
EXCLUDED = (
    "accessibility",
    "composer",
    "content_security_policy",
    "delivery",
    "history",
    "hostile_texts",
    "index",
    "outbox",
    "poll",
    "protocol",
    "transcript",
    "unread",
)
IGNORED = [f"--ignore=tests/chat/browser/test_{name}.py" for name in EXCLUDED]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "suite", [["tests/chat/behaviour", "-m", "not idle"], ["tests/chat/browser", *IGNORED]], ids=lambda suite: suite[0]
)
def test_suite_passes_against_containers(project: Project, suite: list[str]) -> None:
    environment = os.environ | {"BASE_URL": project.url}
    result = subprocess.run([sys.executable, "-m", "pytest", *suite], cwd=ROOT, env=environment, check=False)
    assert result.returncode == 0
