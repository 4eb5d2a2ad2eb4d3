"""A checkout on systems with other line ends."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_scripts_have_unix_line_ends_on_every_platform(tmp_path):
    git = ["git", "-c", "core.autocrlf=true", "-C", str(ROOT)]
    subprocess.run([*git, "checkout-index", "--all", f"--prefix={tmp_path}/"], check=True)
    scripts = [path for path in tmp_path.rglob("*") if path.suffix == ".sh" or path.name in {"Makefile", "run"}]
    assert len(scripts) > 2
    assert not [path for path in scripts if b"\r" in path.read_bytes()]
