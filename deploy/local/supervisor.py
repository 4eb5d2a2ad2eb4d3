"""``make run`` beyond starting: restart processes that exit, and reload changed code."""

import select
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local.process import Process
from deploy.local.stack import ROOT, Stack

FIRST_DELAY, LONGEST_DELAY = 0.5, 10.0
# The back-off begins again for a process that ran this long.
HEALTHY_SECONDS = 30.0
TICK_SECONDS = 0.25
CODE_FOLDERS = [ROOT / "src", ROOT / "apps", ROOT / "services"]
CODE_SUFFIXES = {".py", ".html", ".po"}


class Supervisor:
    """Restarts processes that exit, with exponential back-off; with ``reload`` also web and ws on changed code."""

    def __init__(self, stack: Stack, say: Callable[[str], None], reload: bool = False) -> None:
        self.stack = stack
        self.say = say
        self.reload = reload
        self._latest_change = latest_change()
        self._terminal = select.poll()
        if sys.stdin.isatty():
            # If make leads the session (`ssh -t host make run`), SIGHUP does not reach this process.
            self._terminal.register(sys.stdin, select.POLLHUP)
        self._delays: dict[str, float] = {}
        self._started: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def watch(self) -> None:
        """Supervise until the stack is interrupted or its terminal is closed."""
        while not self.stack.is_interrupted and not self._terminal.poll(0):
            time.sleep(TICK_SECONDS)
            if self.reload and (latest := latest_change()) != self._latest_change:
                self._latest_change = latest
                self._reload_code()
            for process in self.stack.processes:
                if not process.is_running:
                    self._restart_with_back_off(process)

    def _reload_code(self) -> None:
        self.say("code changed, restarting web and ws")
        processes = [process for process in self.stack.processes if process.role not in {"nginx", "redis"}]
        for process in processes:
            process.signal(process.stop_signal)
        for process in processes:
            process.wait_stopped(2)
        self.stack.compile_translations()
        for process in processes:
            self._start(process)

    def _restart_with_back_off(self, process: Process) -> None:
        now = time.monotonic()
        if process.name not in self._due:
            if now - self._started.get(process.name, 0) > HEALTHY_SECONDS:
                self._delays.pop(process.name, None)
            delay = self._delays.get(process.name, FIRST_DELAY)
            self._delays[process.name] = min(LONGEST_DELAY, delay * 2)
            self._due[process.name] = now + delay
            code = process.popen.returncode if process.popen else None
            self.say(f"{process.name} exited with code {code}, restarting in {delay:g} s; end of {process.log}:")
            for line in process.tail(5):
                self.say(f"  {line}")
        elif now >= self._due[process.name]:
            self._start(process)
            self.say(f"{process.name} started again, pid {process.pid}")

    def _start(self, process: Process) -> None:
        self._due.pop(process.name, None)
        self._started[process.name] = time.monotonic()
        process.start()
        self.stack.describe()


def latest_change() -> tuple[float, int]:
    """Return the latest modification time of the code, and the number of its files."""
    times = [path.stat().st_mtime for folder in CODE_FOLDERS for path in code_files(folder)]
    return max(times), len(times)


def code_files(folder: Path) -> list[Path]:
    """Return the files that web and ws read at startup."""
    return [path for path in folder.rglob("*") if path.suffix in CODE_SUFFIXES and path.is_file()]
