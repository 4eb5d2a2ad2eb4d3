"""`make sbom` lists every package of an image, reproducibly."""

import json
import re
import subprocess

from deploy.local.stack import ROOT


def test_sbom_lists_all_locked_packages_and_is_reproducible():
    # If the tests run under make, it would print which directory it enters.
    command = ["make", "--no-print-directory", "sbom"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for service, path in zip(("web", "ws"), result.stdout.split(), strict=True):
        written = json.loads((ROOT / path).read_text())
        locked = (ROOT / f"services/{service}/requirements.txt").read_text()
        expected = set(re.findall(r"^([\w.-]+)==([^\s;]+)", locked, re.MULTILINE))
        assert expected == {(part["name"], part["version"]) for part in written["components"]}
        assert "serialNumber" not in written
        assert "timestamp" not in written["metadata"]
