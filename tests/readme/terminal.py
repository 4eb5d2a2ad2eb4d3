"""A terminal in which somebody types a command, reads on, and presses Ctrl-C."""

import fcntl
import os
import pty
import select
import subprocess
import termios
import time
from pathlib import Path

import pytest

from tests.readme.console import environment


class Terminal:
    """Runs one command in a terminal of its own. ``lines`` is what it has written so far."""

    def __init__(self, command: str, folder: Path, **more: str) -> None:
        self._screen, terminal = pty.openpty()
        self._text = ""
        self.process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=folder,
            env=environment(**more),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            # The terminal that a Ctrl-C comes from.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(terminal)

    @property
    def lines(self) -> list[str]:
        return self._text.splitlines()

    def wait_for(self, text: str, seconds: float) -> str:
        """Read on until a whole line begins with the text, and return the line."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            for line in self._text.rpartition("\n")[0].splitlines():
                if line.startswith(text):
                    return line
        pytest.fail(f"{text!r} did not come:\n{self._text}")

    def press_ctrl_c(self) -> None:
        """Press Ctrl-C, and return when the command has ended."""
        os.write(self._screen, b"\x03")
        deadline = time.monotonic() + 30
        while self._read(deadline):
            pass
        self.process.wait(30)
        os.close(self._screen)

    def _read(self, deadline: float) -> bool:
        """Read what comes next; False at the end, and when it is too late."""
        readable, _, _ = select.select([self._screen], [], [], max(0.0, deadline - time.monotonic()))
        try:
            read = os.read(self._screen, 65536) if readable else b""
        except OSError:  # all who could write have ended
            read = b""
        self._text += read.decode(errors="replace").replace("\r\n", "\n")
        return bool(read)
