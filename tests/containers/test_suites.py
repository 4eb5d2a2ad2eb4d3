"""The suite of ``make test-url``, against containers."""

import os
import subprocess
import sys

import pytest

from tests.containers.project import ROOT, Project


@pytest.mark.timeout(300)
def test_behaviour_tests_pass_against_containers(project: Project) -> None:
    environment = os.environ | {"BASE_URL": project.url}
    command = [sys.executable, "-m", "pytest", "tests/behaviour"]
    assert subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
