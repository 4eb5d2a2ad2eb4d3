"""Ends what a test process has started, also where that process is killed and can end nothing itself."""

import atexit
import contextlib
import subprocess
import sys
from functools import cache

# It reads which process groups there are, and kills what is left when its input ends, as it does with our process.
SCRIPT = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""
STOP_SECONDS = 5


class Guardian:
    """A small process that outlives this one for a moment, and kills the process groups that it was told of."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            # Ctrl-C, or a kill of our process group, must not end it first.
            start_new_session=True,
        )

    def watch(self, group: int) -> None:
        """Kill the process group when this process ends."""
        self._write(f"+{group}")

    def forget(self, group: int) -> None:
        """The process group has ended, and its number may be another's soon."""
        self._write(f"-{group}")

    def close(self) -> None:
        """Kill what is left, and end."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=STOP_SECONDS)

    def _write(self, line: str) -> None:
        assert self._process.stdin
        # Where somebody has killed it, the tests go on without.
        with contextlib.suppress(OSError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()


@cache
def get_guardian() -> Guardian:
    """Return the guardian of this process, started at the first call."""
    guardian = Guardian()
    atexit.register(guardian.close)
    return guardian
