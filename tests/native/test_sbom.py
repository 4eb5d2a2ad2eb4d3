"""What `make sbom` writes: every package of an image, and the same for the same commit."""

import json
import re
import subprocess

from deploy.local.stack import ROOT


def test_each_locked_package_is_in_it_and_twice_is_the_same():
    written = []
    for _ in range(2):
        # This may run under make itself, which then says which directory it enters.
        command = ["make", "--no-print-directory", "sbom"]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        written.append([(ROOT / path).read_bytes() for path in result.stdout.split()])
    assert written[0] == written[1]
    for service, content in zip(("web", "ws"), written[0], strict=True):
        locked = (ROOT / f"services/{service}/requirements.txt").read_text()
        expected = set(re.findall(r"^([\w.-]+)==([^\s;]+)", locked, re.MULTILINE))
        assert expected == {(part["name"], part["version"]) for part in json.loads(content)["components"]}
