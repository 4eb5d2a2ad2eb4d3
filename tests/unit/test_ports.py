import subprocess
import sys

from deploy.local.stack import ROOT

PICK_AND_STAY = """
from deploy.local import ports
print(*(ports.pick() for _ in range(200)), flush=True)
input()
"""


def test_concurrent_processes_pick_different_ports() -> None:
    """Suites run concurrently, and seconds pass between the pick of a port and the start of its server."""
    command = [sys.executable, "-c", PICK_AND_STAY]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    picked = [set(process.stdout.readline().split()) for process in processes]  # type: ignore[union-attr]
    for process in processes:
        process.communicate("\n")
    assert all(picked)
    assert len(set.union(*picked)) == sum(map(len, picked))
