"""``make run``: start the stack, print its addresses, and keep it running until Ctrl-C."""

import argparse
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from environs import EnvError

from deploy.local.binaries import BinaryMissing
from deploy.local.home_page import home_page
from deploy.local.nginx import InvalidSetting
from deploy.local.process import ProcessFailed
from deploy.local.settings import configured_stack
from deploy.local.stack import ROOT, Stack
from deploy.local.supervisor import Supervisor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reload", action="store_true", help="restart web and ws when their code changes")
    parser.add_argument(
        "--directory", type=Path, default=ROOT / ".run", help="directory for the database, logs and all other data"
    )
    arguments = parser.parse_args()

    started = time.monotonic()
    try:
        stack, notes = configured_stack(arguments.directory)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stack.interrupt)
        say(f"starting in {stack.directory}")
        for note in notes:
            say(note)
        supervisor = Supervisor(stack, say, arguments.reload)
        stack.start()
    # OSError: the directory is not writable, or its disk is full. The error names the file.
    except (BinaryMissing, EnvError, OSError, ProcessFailed, InvalidSetting) as error:
        sys.exit(str(error))
    try:
        if not stack.is_interrupted:
            print_table(stack)
            say(f"ready: {home_page(stack)} ({time.monotonic() - started:.1f} s; Ctrl-C stops)")
        supervisor.watch()
    finally:
        say("stopping")
        stack.stop()


def print_table(stack: Stack) -> None:
    say(f"{'process':<8} {'address':<28} {'pid':>7}  log")
    for process in stack.processes:
        say(f"{process.name:<8} {process.address:<28} {process.pid:>7}  {os.path.relpath(process.log)}")


def say(line: str) -> None:
    # The stack must be stopped in order even when the terminal is closed already.
    with contextlib.suppress(OSError):
        print(line, flush=True)


if __name__ == "__main__":
    main()
