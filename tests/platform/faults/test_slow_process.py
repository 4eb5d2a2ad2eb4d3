"""A reconnect storm on a ws process that accepts clients more slowly than they come."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import Process
from tests.platform.faults.clients import Clients
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS

CLIENTS, ROOMS = 1000, 10
# The share of a core that the process gets. The handshakes of all clients take it some 3 s.
RUN_SECONDS, PAUSE_SECONDS = 0.01, 0.04
HANDSHAKE_TIMEOUT = 2


@contextlib.contextmanager
def slowed(process: Process) -> Iterator[None]:
    """Let a process run for a fifth of the time, as a container does that has used up its CPU limit."""
    is_over = threading.Event()

    def pulse() -> None:
        while not is_over.is_set():
            process.signal(signal.SIGSTOP)
            time.sleep(PAUSE_SECONDS)
            process.signal(signal.SIGCONT)
            time.sleep(RUN_SECONDS)

    thread = threading.Thread(target=pulse)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.mark.timeout(300)
async def test_reconnect_storm_longer_than_the_handshake_timeout_is_served(tmp_path: Path, figures):
    environment = NO_LIMITS | {"HANDSHAKE_TIMEOUT": str(HANDSHAKE_TIMEOUT), "MAX_HANDSHAKES": "16"}
    rooms = [f"slow-{number}" for number in range(ROOMS)]
    with FeedStack(tmp_path, ws_processes=1, environment=environment) as stack:
        async with Clients(stack.url, rooms * (CLIENTS // ROOMS)) as clients:
            await clients.wait_until_all_are_online()
            clients.failed_handshakes.clear()
            with slowed(stack.process("ws-1")):
                clients.drop_all()
                await clients.wait_for(lambda: all(len(member.welcomes) > 1 for member in clients.members), 120)
            slowest = max(member.welcomes[1] - member.closes[0].at for member in clients.members)
    failed = sum(clients.failed_handshakes.values())
    figures.append(
        f"{CLIENTS:,} clients, a fifth of a core: all back after {slowest:.1f} s, {failed} handshakes failed"
    )
    # Without the queue hardly one handshake is answered in time, and the clients retry without end.
    assert slowest > HANDSHAKE_TIMEOUT
    assert failed < CLIENTS / 10
