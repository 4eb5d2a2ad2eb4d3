"""What `make sbom` writes: every package of an image, and the same for the same commit."""

import json
import re
import subprocess

from deploy.local.stack import ROOT


def test_sbom_lists_all_locked_packages_and_is_reproducible():
    # This may run under make itself, which then says which directory it enters.
    command = ["make", "--no-print-directory", "sbom"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for service, path in zip(("web", "ws"), result.stdout.split(), strict=True):
        written = json.loads((ROOT / path).read_text())
        locked = (ROOT / f"services/{service}/requirements.txt").read_text()
        expected = set(re.findall(r"^([\w.-]+)==([^\s;]+)", locked, re.MULTILINE))
        assert expected == {(part["name"], part["version"]) for part in written["components"]}
        assert "serialNumber" not in written
        assert "timestamp" not in written["metadata"]
