"""What processes cost: CPU time and memory, of all their threads and children."""

import time
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")


def tree(pids: Iterable[int]) -> set[int]:
    """Return the processes and all their descendants."""
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            for children in PROC.glob(f"{pid}/task/*/children"):
                waiting.extend(map(int, children.read_text().split()))
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time that living processes and their living descendants have used.

    It is what /proc/<pid>/stat has as utime and stime, ended threads included, but in nanoseconds: that file
    counts in hundredths of a second.
    """
    return sum(time.clock_gettime(_cpu_clock(pid)) for pid in tree(pids))


def _cpu_clock(pid: int) -> int:
    # clock_getcpuclockid(3), which Python does not have: the complement of the pid, and 2 for CPUCLOCK_SCHED.
    return ~pid << 3 | 2


def memory_kib(pids: Iterable[int]) -> int:
    """Return the proportional set size: the memory of the processes, shared pages divided among their users."""
    return sum(_pss(pid) for pid in tree(pids))


def _pss(pid: int) -> int:
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)
