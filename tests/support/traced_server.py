"""The ws service, which records which of the project's functions run.

SIGUSR1 makes it write those since the last SIGUSR1 to ``<TRACE_DIRECTORY>/<pid>``: a line for each, ``<path>:<name>``.
"""

import os
import runpy
import signal
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("src/", "services/", "apps/")

# Code objects and not names: looking at a path with every call would take longer than the call.
called: set[CodeType] = set()


def record(frame: FrameType, event: str, _: Any) -> None:
    if event == "call":
        called.add(frame.f_code)


def write(*_: Any) -> None:
    global called
    seen, called = called, set()
    # A tuple first: another thread may still add to the set.
    paths = {code: code.co_filename.removeprefix(f"{ROOT}/") for code in tuple(seen)}
    ours = {f"{path}:{code.co_qualname}" for code, path in paths.items() if path.startswith(FOLDERS)}
    path = Path(os.environ["TRACE_DIRECTORY"]) / str(os.getpid())
    partial = path.with_suffix(".partial")
    partial.write_text("\n".join(sorted(ours)))
    partial.replace(path)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, write)
    threading.setprofile(record)
    sys.setprofile(record)
    runpy.run_module("ws", run_name="__main__")
