import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_ws_takes_as_many_open_files_as_the_system_allows():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    code = (
        "import resource; from ws.open_files import raise_limit_of_open_files; raise_limit_of_open_files();"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": "services:apps"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == [str(hard)] * 2
