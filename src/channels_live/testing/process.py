"""One process of the stack: start it, wait until it is ready, stop it."""

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

# An ``opener`` for open(): other users of the machine cannot read the file.
open_private = partial(os.open, mode=0o600)
PRIVATE_UMASK = 0o077
# Processes listen on loopback, so a proxy that the environment names (http_proxy) must not be used.
WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ProcessFailed(Exception):
    """A process exited, or was not ready in time. The text names the process, the reason and the log file."""


@dataclass
class Process:
    """A process with an address, a log file and a check for readiness.

    Attributes:
        name: Its name in errors and reports, such as ``ws-1``.
        role: What it does, such as ``ws``; several processes may have one role.
        url: Its address, ``http://127.0.0.1:20001`` or ``redis://…``.
        command: The program and its arguments.
        log: The file to which its output is appended.
        is_ready: Whether it serves; called with ``url``.
        environment: All of its environment variables.
        stop_signal: The signal that makes it shut down in an orderly way.
        guardian: Kills the process if this one ends without doing so; None for nobody.
        popen: The running process, or the last one; None before the first start.
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
    popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process ID; None before the first start."""
        return self.popen.pid if self.popen else None

    @property
    def address(self) -> str:
        """The ``url`` without its password, to be shown."""
        scheme, separator, rest = self.url.partition("://")
        return f"{scheme}{separator}{rest.rpartition('@')[2]}"

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not exited."""
        return self.popen is not None and self.popen.poll() is None

    def start(self) -> None:
        """Start the process if it does not run, and return at once."""
        if self.is_running:
            return
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.log, "ab", opener=open_private) as log:
            self.popen = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A session of its own, so that Ctrl-C reaches only the stack, which stops its processes in order.
                start_new_session=True,
                umask=PRIVATE_UMASK,
            )
        if self.guardian:
            self.guardian.watch(self.popen.pid)

    def wait_ready(self, seconds: float = 20, interrupted: Callable[[], bool] = lambda: False) -> None:
        """Return when the process is ready, or when ``interrupted`` returns true.

        Raises ProcessFailed if the process exits, or is not ready within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not interrupted():
            if not self.is_running:
                raise ProcessFailed(f"{self.name} exited during startup: {self.last_line()} (log: {self.log})")
            if self.is_ready(self.url):
                return
            time.sleep(0.02)
        if interrupted():
            return
        raise ProcessFailed(f"{self.name} was not ready within {seconds:g} s: {self.last_line()} (log: {self.log})")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process if it runs."""
        if self.popen and self.is_running:
            self.popen.send_signal(number)

    def restart(self, seconds: float = 8) -> None:
        """Stop the process, start it again, and return when it is ready.

        Args:
            seconds: The time in which it may shut down; then it is killed.

        Raises:
            ProcessFailed: It exited, or was not ready in time.
        """
        self.stop(seconds)
        self.start()
        self.wait_ready()

    def stop(self, seconds: float = 8) -> int | None:
        """Send ``stop_signal``, then ``wait_stopped``."""
        self.signal(self.stop_signal)
        return self.wait_stopped(seconds)

    def wait_stopped(self, seconds: float) -> int | None:
        """Wait until the process exits, at most ``seconds``, then ``kill`` it; return its exit code."""
        if self.popen is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(seconds)
        return self.kill()

    def kill(self) -> int | None:
        """Send SIGKILL to the process and its children; return its exit code, or None if it was never started."""
        if self.popen is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        code = self.popen.wait()
        if self.guardian:
            self.guardian.forget(self.popen.pid)
        return code

    def tail(self, lines: int = 10) -> list[str]:
        """Return the last lines of the log, each as ``printable`` returns it."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 16384))
            return list(map(printable, log.read().decode(errors="replace").splitlines()[-lines:]))

    def last_line(self) -> str:
        """Return the last line of the log that is not blank."""
        return next((line.strip() for line in reversed(self.tail(50)) if line.strip()), "it logged nothing")


def answers_http(path: str) -> Callable[[str], bool]:
    """Return an ``is_ready`` that requests a path of the process and expects the status 200."""

    def is_ready(url: str) -> bool:
        try:
            with WITHOUT_PROXY.open(url + path, timeout=5) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return is_ready


def answers_redis_ping(url: str) -> bool:
    """Whether the Redis at ``redis://:password@host:port/…`` accepts the password and answers PING."""
    address = urlsplit(url)
    login = f"AUTH {unquote(address.password)}\r\n" if address.password else ""
    try:
        with socket.create_connection((address.hostname or "", address.port or 6379), timeout=1) as connection:
            connection.sendall(f"{login}PING\r\n".encode())
            with connection.makefile("rb") as answers:
                return [answers.readline() for _ in range(2 if login else 1)][-1].startswith(b"+PONG")
    except OSError:
        return False


def printable(line: str) -> str:
    """Escape characters of a log line that a terminal would interpret."""
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in line)
