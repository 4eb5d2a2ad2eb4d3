"""A terminal in which a command runs until Ctrl-C is pressed."""

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
    """Runs a command in a terminal of its own. ``lines`` has its output so far."""

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
            # Makes it the controlling terminal, so that Ctrl-C sends SIGINT.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(terminal)

    @property
    def lines(self) -> list[str]:
        return self._text.splitlines()

    def wait_for(self, text: str, seconds: float) -> str:
        """Read until a complete line begins with the text, and return the line."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            for line in self._text.rpartition("\n")[0].splitlines():
                if line.startswith(text):
                    return line
        pytest.fail(f"{text!r} did not come:\n{self._text}")

    def press_ctrl_c(self) -> None:
        """Press Ctrl-C, and wait until the command exits."""
        os.write(self._screen, b"\x03")
        deadline = time.monotonic() + 30
        while self._read(deadline):
            pass
        self.process.wait(30)
        os.close(self._screen)

    def _read(self, deadline: float) -> bool:
        """Read the next output; return False at its end and after the deadline."""
        readable, _, _ = select.select([self._screen], [], [], max(0.0, deadline - time.monotonic()))
        try:
            read = os.read(self._screen, 65536) if readable else b""
        except OSError:  # all processes that had the terminal open have exited
            read = b""
        self._text += read.decode(errors="replace").replace("\r\n", "\n")
        return bool(read)
