"""A small disk that can be filled up: a tmpfs, for which one has to be root."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

CHUNK = bytes(1024 * 1024)
BALLAST = "ballast"


@contextlib.contextmanager
def small_disk(directory: Path, mebibytes: int) -> Iterator[None]:
    """Mount a disk at the directory; where that is not permitted it stays an ordinary one (see ``is_small``)."""
    directory.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0777", "tmpfs", str(directory)]
    is_mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield
    finally:
        if is_mounted:
            # Lazily: a process that is just being killed may still have a file open.
            subprocess.run(["umount", "--lazy", str(directory)], check=True)


def is_small(directory: Path) -> bool:
    """Whether the directory is a disk of its own."""
    return directory.is_mount()


@contextlib.contextmanager
def filled(directory: Path) -> Iterator[None]:
    """Leave no byte free on the disk."""
    assert is_small(directory)
    ballast = directory / BALLAST
    try:
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            # A write that finds less room than it needs writes what fits; the next one fails.
            while file.write(CHUNK):
                pass
        yield
    finally:
        ballast.unlink()
