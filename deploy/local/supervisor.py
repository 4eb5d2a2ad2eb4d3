"""What ``make run`` adds to a stack: dead parts come back, changed code is loaded."""

import select
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local.part import Part
from deploy.local.stack import ROOT, Stack

FIRST_DELAY, LONGEST_DELAY = 0.5, 10.0
# A part that ran so long was healthy, its next restart need not wait.
HEALTHY_SECONDS = 30.0
TICK_SECONDS = 0.25
CODE_FOLDERS = [ROOT / "src", ROOT / "apps", ROOT / "services"]
CODE_SUFFIXES = {".py", ".html", ".po"}


class Supervisor:
    """Restarts the stack's dead parts with back-off, and with ``reload`` all that run our code on every change."""

    def __init__(self, stack: Stack, say: Callable[[str], None], reload: bool = False) -> None:
        self.stack = stack
        self.say = say
        self.reload = reload
        self._changed = newest_change()
        self._terminal = select.poll()
        if sys.stdin.isatty():
            # A make that leads the session (`ssh -t host make run`) keeps the SIGHUP to itself.
            self._terminal.register(sys.stdin, select.POLLHUP)
        self._delays: dict[str, float] = {}
        self._started: dict[str, float] = {}
        self._due: dict[str, float] = {}

    def watch(self) -> None:
        """Return when the stack is interrupted, or the terminal it was started from is closed."""
        while not self.stack.is_interrupted and not self._terminal.poll(0):
            time.sleep(TICK_SECONDS)
            if self.reload and (latest := newest_change()) != self._changed:
                self._changed = latest
                self._load_code()
            for part in self.stack.parts:
                if not part.is_running:
                    self._revive(part)

    def _load_code(self) -> None:
        self.say("code changed, restarting what runs it")
        parts = [part for part in self.stack.parts if part.role not in {"nginx", "redis"}]
        for part in parts:
            part.signal(part.stop_signal)
        for part in parts:
            part.wait_stopped(2)
        self.stack.compile_translations()
        for part in parts:
            self._start(part)

    def _revive(self, part: Part) -> None:
        now = time.monotonic()
        if part.name not in self._due:
            if now - self._started.get(part.name, 0) > HEALTHY_SECONDS:
                self._delays.pop(part.name, None)
            delay = self._delays.get(part.name, FIRST_DELAY)
            self._delays[part.name] = min(LONGEST_DELAY, delay * 2)
            self._due[part.name] = now + delay
            code = part.process.returncode if part.process else None
            self.say(
                f"{part.name} died (exit code {code}), starting it again in {delay:g} s; its log ({part.log}) ends:"
            )
            for line in part.tail(5):
                self.say(f"  {line}")
        elif now >= self._due[part.name]:
            self._start(part)
            self.say(f"{part.name} started again, pid {part.pid}")

    def _start(self, part: Part) -> None:
        self._due.pop(part.name, None)
        self._started[part.name] = time.monotonic()
        part.start()
        self.stack.describe()


def newest_change() -> tuple[float, int]:
    """Return the newest modification time of the code, and the number of its files."""
    times = [path.stat().st_mtime for folder in CODE_FOLDERS for path in code_files(folder)]
    return max(times), len(times)


def code_files(folder: Path) -> list[Path]:
    """Return the files whose change needs a restart."""
    return [path for path in folder.rglob("*") if path.suffix in CODE_SUFFIXES and path.is_file()]
