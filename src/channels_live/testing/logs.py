"""What processes have written since a moment, such as the begin of a test."""

import os
from collections.abc import Iterable

from channels_live.testing.process import Process, printable

MAX_BYTES = 64 * 1024


class LogMark:
    """A place in the logs of some processes, which is their end when it is made."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self._sizes = {process.log: process.log.stat().st_size for process in processes if process.log.exists()}

    def text(self, process: Process) -> str:
        """Return what a process has written since; of more than 64 KiB the end."""
        if not process.log.exists():
            return ""
        with process.log.open("rb") as log:
            begin = max(self._sizes.get(process.log, 0), log.seek(0, os.SEEK_END) - MAX_BYTES)
            log.seek(begin)
            return "\n".join(map(printable, log.read().decode(errors="replace").splitlines()))
