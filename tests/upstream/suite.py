"""Runs another project's test suite in a pytest of its own, with a plugin that puts our class in place of theirs."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from deploy.local.stack import ROOT

PYTHONPATH = os.pathsep.join(str(ROOT / folder) for folder in ("src", "services", "apps", "."))


def run_suite(sdist: Path, plugin: str, directory: Path, *options: str, **environment: str) -> None:
    """Run the tests of an unpacked source distribution, and fail with their output unless all do as the plugin says.

    ``options`` are pytest's, ``directory`` is where the suite's temporary files go. A skipped test is a failure.
    """
    assert sdist.exists(), f"{sdist} is missing; run: make test-upstream"
    report = directory / "report.xml"
    command = [sys.executable, "-m", "pytest", "-rfExX", "--durations=5", "--timeout=60", f"--junitxml={report}"]
    for name in ("no:cacheprovider", "pytest_asyncio.plugin", "pytest_timeout", plugin):
        command += ["-p", name]
    result = subprocess.run(
        [*command, *options],
        cwd=sdist,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ws.settings",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": PYTHONPATH,
            "SECRET_KEY": "upstream",
            "TMPDIR": str(directory),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    skipped = ElementTree.parse(report).findall(".//skipped[@type='pytest.skip']")
    assert not skipped, result.stdout
    print(result.stdout)
