"""Counts of members, for pages where a room is picked."""

import json
import time
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

from deploy.local import Stack


def counts(visitor: ClientConnection, expected: dict[str, int], within: float) -> None:
    """Read on until the visitor is told exactly these counts."""
    deadline = time.monotonic() + within
    while json.loads(visitor.recv(max(0.0, deadline - time.monotonic())))["rooms"] != expected:
        pass


def test_a_process_that_comes_later_asks_the_others_and_forgets_one_that_died(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:

        def join(process: str, path: str) -> ClientConnection:
            url = stack.process(process).url
            return connect(f"{url.replace('http', 'ws', 1)}/ws/{path}/", origin=url)  # type: ignore[arg-type]

        with join("ws-1", "chat/dev"), join("ws-2", "chat/dev"), join("ws-2", "chat/ops"):
            with join("ws-1", "rooms") as visitor:
                counts(visitor, {"dev": 2, "ops": 1}, within=10)
            # Sooner than the others would report by themselves, which they do every ten seconds.
            stack.add_ws()
            with join("ws-3", "rooms") as visitor:
                counts(visitor, {"dev": 2, "ops": 1}, within=5)
                stack.process("ws-2").kill()
                # Thirty seconds after its last report.
                counts(visitor, {"dev": 1}, within=60)
