"""Memory and CPU time of processes, their children included."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.processes import cpu_seconds, memory_kib, tree

BURN = "import time\nwhile time.process_time() < 0.5: pass\n"
TAKE = "taken = bytearray(b'x') * 50_000_000\n"
WAIT = "print('done', flush=True); input()\n"


@contextmanager
def python(code: str) -> Iterator[int]:
    """Run code in a child of a child process, and yield the pid of the child."""
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code + WAIT!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


def test_cpu_seconds_includes_children() -> None:
    with python(BURN) as pid:
        assert len(tree([pid])) == 2
        assert 0.5 <= cpu_seconds([pid]) < 2


def test_memory_kib_includes_children() -> None:
    with python("") as small, python(TAKE) as large:
        assert 45_000 < memory_kib([large]) - memory_kib([small]) < 55_000
