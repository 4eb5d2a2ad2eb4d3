"""A client program of one library, told what to do over its standard input; see clients/line.py."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from typing import Any

from deploy.local.stack import ROOT

CLIENTS = "tests/upstream/clients"
COMMANDS = {
    "websockets": [sys.executable, "-m", "tests.upstream.clients.websockets_client"],
    "aiohttp": [sys.executable, "-m", "tests.upstream.clients.aiohttp_client"],
    "websocket-client": [sys.executable, "-m", "tests.upstream.clients.websocket_client_client"],
    "libcurl": [sys.executable, "-m", "tests.upstream.clients.libcurl_client"],
    "ws": ["node", f"{CLIENTS}/ws_client.js"],
    "undici": ["node", f"{CLIENTS}/undici_client.js"],
}
LIBRARIES = list(COMMANDS)
# The API of browsers has none.
LIBRARIES_WITH_PING = [name for name in LIBRARIES if name != "undici"]
# Of a line: a frame at the server's limit, as JSON in JSON.
MAX_LINE_BYTES = 1024 * 1024
WAIT_SECONDS = 30


class Client:
    """One connection. Events that a test passes over are kept for later."""

    def __init__(self, library: str, process: Process) -> None:
        self.library = library
        self.process = process
        self.passed: list[dict[str, Any]] = []

    @classmethod
    async def start(cls, library: str, url: str, origin: str, subprotocol: str) -> "Client":
        """Start the program, which connects to the URL at once."""
        process = await asyncio.create_subprocess_exec(
            *COMMANDS[library],
            *(url, origin, subprotocol),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": "."},
            stdin=PIPE,
            stdout=PIPE,
            limit=MAX_LINE_BYTES,
        )
        return cls(library, process)

    def tell(self, **command: Any) -> None:
        """Give the program a command: ``send=text``, ``ping=payload`` or ``close=code``."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(command).encode() + b"\n")

    async def next(self, event: str) -> dict[str, Any]:
        """Return what comes with the next such event."""
        for details in self.passed:
            if details["event"] == event:
                self.passed.remove(details)
                return details
        assert self.process.stdout
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                while line := await self.process.stdout.readline():
                    details = json.loads(line)
                    if details["event"] == event:
                        return details
                    self.passed.append(details)
        raise AssertionError(f"Of {self.library} no {event!r} came, but {self.passed}")

    async def frame(self, kind: str = "") -> dict[str, Any]:
        """Return the next JSON frame, of a type of chat.v1 where one is named."""
        while True:
            frame = json.loads((await self.next("text"))["data"])
            if not kind or frame["type"] == kind:
                return frame

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
