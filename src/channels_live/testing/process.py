"""One process of a stack: started, watched, stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from channels_live.testing.guardian import Guardian

# For open(): what a process writes is nobody else's on this machine.
private = partial(os.open, mode=0o600)
PRIVATE_UMASK = 0o077
# Processes are on loopback, where no proxy of the environment leads (http_proxy).
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ProcessFailed(Exception):
    """A process ended at its start, or was not ready in time. The text says which, why, and where its log is."""


@dataclass
class Process:
    """A process with an address, a log file and a way to ask whether it is ready.

    Attributes:
        name: Its name in errors and reports, such as ``ws-1``.
        role: What it does, such as ``ws``; several processes may have one role.
        url: Its address, ``http://127.0.0.1:20001`` or ``redis://…``.
        command: The program and its arguments.
        log: The file to which its output is appended.
        is_ready: Whether it serves; it is called with ``url``.
        environment: All of its environment variables.
        stop_signal: What ends it in an orderly way.
        guardian: Where there is one, it kills the process when ours ends without doing so.
        process: The running process, or the last one.
    """

    name: str
    role: str
    url: str
    command: Sequence[str]
    log: Path
    is_ready: Callable[[str], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    guardian: Guardian | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process ID; None before the first start."""
        return self.process.pid if self.process else None

    @property
    def address(self) -> str:
        """The ``url`` without a password, for people."""
        scheme, separator, rest = self.url.partition("://")
        return f"{scheme}{separator}{rest.rpartition('@')[2]}"

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start the process; ``wait_ready`` tells when it serves."""
        if self.is_running:
            return
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.log, "ab", opener=private) as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Its own group, so that Ctrl-C reaches the stack alone, which stops its processes in order.
                start_new_session=True,
                umask=PRIVATE_UMASK,
            )
        if self.guardian:
            self.guardian.watch(self.process.pid)

    def wait_ready(self, seconds: float = 20, interrupted: Callable[[], bool] = lambda: False) -> None:
        """Return when the process is ready, or ``interrupted``; raises ProcessFailed when it ended or time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not interrupted():
            if not self.is_running:
                raise ProcessFailed(f"{self.name} died at start: {self.last_line()} (log: {self.log})")
            if self.is_ready(self.url):
                return
            time.sleep(0.02)
        if interrupted():
            return
        raise ProcessFailed(f"{self.name} was not ready within {seconds:g} s: {self.last_line()} (log: {self.log})")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it runs."""
        if self.process and self.is_running:
            self.process.send_signal(number)

    def restart(self, seconds: float = 8) -> None:
        """Stop the process in an orderly way, start it again, and return when it is ready.

        Args:
            seconds: How long it may take to end, after which it is killed.

        Raises:
            ProcessFailed: It ended at its start, or was not ready in time.
        """
        self.stop(seconds)
        self.start()
        self.wait_ready()

    def stop(self, seconds: float = 8) -> int | None:
        """Ask the process to end, kill it and its children after so many seconds, return its exit code."""
        self.signal(self.stop_signal)
        return self.wait_stopped(seconds)

    def wait_stopped(self, seconds: float) -> int | None:
        """Wait for the end of the process, kill it and its children after so many seconds."""
        if self.process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.kill()

    def kill(self) -> int | None:
        """SIGKILL the process and its children, if any are left."""
        if self.process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        if self.guardian:
            self.guardian.forget(self.process.pid)
        return code

    def tail(self, lines: int = 10) -> list[str]:
        """Return the last lines of the log, for a terminal: ``printable``."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 16384))
            return list(map(printable, log.read().decode(errors="replace").splitlines()[-lines:]))

    def last_line(self) -> str:
        """Return the last log line that says something."""
        return next((line.strip() for line in reversed(self.tail(50)) if line.strip()), "it wrote nothing")


def answers_http(path: str) -> Callable[[str], bool]:
    """Return an ``is_ready`` that asks for a path of the process and expects 200."""

    def is_ready(url: str) -> bool:
        try:
            with DIRECTLY.open(url + path, timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return is_ready


def answers_redis_ping(url: str) -> bool:
    """Whether a Redis at ``redis://:password@host:port/…`` lets one in and answers PING."""
    parts = urlsplit(url)
    login = f"AUTH {unquote(parts.password)}\r\n" if parts.password else ""
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 6379), timeout=1) as connection:
            connection.sendall(f"{login}PING\r\n".encode())
            with connection.makefile("rb") as answers:
                return [answers.readline() for _ in range(2 if login else 1)][-1].startswith(b"+PONG")
    except OSError:
        return False


def printable(line: str) -> str:
    """Return a line of a log as it can stand on a terminal, whatever a stranger put into it."""
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in line)
