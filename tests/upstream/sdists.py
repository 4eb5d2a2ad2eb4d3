"""``python -m tests.upstream.sdists`` fetches the source distributions whose test suites we run.

In the locked versions; they are unpacked below .run/upstream and never committed.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.local.stack import ROOT

LOCK = ROOT / "services/ws/requirements.txt"
FOLDER = ROOT / ".run/upstream"
NAMES = ("daphne", "channels-redis")


def locked(name: str) -> str:
    """Return the requirement of the lock file with its hashes, as pip reads it."""
    found = re.search(rf"^{re.escape(name)}==\S+ \\\n(?: +--hash=\S+(?: \\)?\n)+", LOCK.read_text(), re.MULTILINE)
    assert found, f"{name} is not in {LOCK}"
    return found[0]


def unpacked(name: str) -> Path:
    """Return the folder of the unpacked distribution, which ``fetch`` makes."""
    version = locked(name).split()[0].partition("==")[2]
    return FOLDER / f"{name.replace('-', '_')}-{version}"


def fetch() -> None:
    """Download what is not there yet, held against the hashes of the lock file, and unpack it."""
    missing = [name for name in NAMES if not unpacked(name).exists()]
    if not missing:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text("".join(locked(name) for name in missing))
        # pip asks a distribution for its metadata, which takes a build tool; setuptools is locked beside the tests.
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--require-hashes"]
        command = [sys.executable, "-m", "pip", "download", *options, "--no-binary", ",".join(missing)]
        subprocess.run([*command, "--dest", folder, "--requirement", str(requirements)], check=True)
        for archive in Path(folder).glob("*.tar.gz"):
            shutil.unpack_archive(archive, FOLDER)


if __name__ == "__main__":
    fetch()
