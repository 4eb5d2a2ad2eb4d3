"""The files that a message passes from its sender's socket to the sockets of all members, and those that docs name."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from deploy.local import Process, Stack
from deploy.local.stack import PYTHONPATH, ROOT

SECTION = re.search(r"^## Message flow\n(.*?)^##", (ROOT / "docs/architecture.md").read_text(), re.M | re.S)
assert SECTION
# The files of the tables, in their order, and all that the section names.
STEPS = re.findall(r"^\| \d+ \| `(.+?)`", SECTION[1], re.MULTILINE)
NAMED = set(re.findall(r"`((?:src|apps)/[\w/]+\.py)`", SECTION[1]))

SECONDS = 60
# What runs by the clock, such as polling, is not in the trace of every one of several messages.
MESSAGES = 5
# The first messages of a socket make rate limits, tasks and statements.
WARM_UP = 2


@contextmanager
def traced(stack: Stack, directory: Path) -> Iterator[Stack]:
    """Run a stack whose ws processes record which functions run."""
    for process in stack.processes:
        if process.role == "ws":
            process.command = [sys.executable, "-m", "tests.support.traced_server"]
            path = os.pathsep.join([process.environment.get("PYTHONPATH", PYTHONPATH), str(ROOT)])
            process.environment = {**process.environment, "PYTHONPATH": path, "TRACE_DIRECTORY": str(directory)}
    with stack:
        yield stack


def read_trace(process: Process, directory: Path) -> set[str]:
    """Return the functions that have run in a ws process since the last call."""
    path = directory / str(process.pid)
    path.unlink(missing_ok=True)
    process.signal(signal.SIGUSR1)
    deadline = time.monotonic() + SECONDS
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return set(path.read_text().splitlines())


async def functions_passed(
    stack: Stack, directory: Path, path: str, subprotocol: str, entry: Mapping[str, Any]
) -> dict[str, set[str]]:
    """Return, by ws process, which functions ran for every one of several messages of a member of ws-1.

    Each process has two members. ``entry`` is the frame without its id; members receive one of its type with that id.
    """
    processes = [process for process in stack.processes if process.role == "ws"]
    passed: dict[str, set[str]] = {}
    async with asyncio.timeout(SECONDS), AsyncExitStack() as exit_stack:
        members: list[ClientConnection] = []
        for process in (*processes, *processes):
            options: Any = {"origin": process.url, "subprotocols": [subprotocol], "proxy": None}
            opened = connect(f"{process.url.replace('http', 'ws', 1)}{path}", **options)
            members.append(await exit_stack.enter_async_context(opened))
        for member in members:
            await receive(member, "welcome")
        for number in range(WARM_UP + MESSAGES):
            for process in processes:
                read_trace(process, directory)
            await members[0].send(json.dumps({**entry, "id": f"m{number}"}))
            await receive(members[0], "ack", f"m{number}")
            for member in members[1:]:
                await receive(member, str(entry["type"]), f"m{number}")
            for process in processes:
                functions = read_trace(process, directory)
                if number >= WARM_UP:
                    passed[process.name] = passed.get(process.name, functions) & functions
    return passed


def files_of(functions: set[str]) -> set[str]:
    """Return the files of traced functions."""
    return {function.partition(":")[0] for function in functions}


async def receive(member: ClientConnection, kind: str, entry_id: str | None = None) -> None:
    """Receive until there is a frame of the type, and with the id."""
    while True:
        frame = json.loads(await member.recv())
        if frame["type"] == kind and frame.get("id") == entry_id:
            return
