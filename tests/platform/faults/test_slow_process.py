"""A crowd comes back to a ws process that cannot take it in as fast as it comes."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import Process
from tests.platform.faults.crowd import Crowd
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS

CROWD, ROOMS = 1000, 10
# What the process gets of a core. The crowd is some 3 s of its work.
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
async def test_a_crowd_that_takes_longer_than_the_handshake_timeout_gets_in(tmp_path: Path, figures):
    environment = NO_LIMITS | {"HANDSHAKE_TIMEOUT": str(HANDSHAKE_TIMEOUT), "MAX_HANDSHAKES": "16"}
    rooms = [f"slow-{number}" for number in range(ROOMS)]
    with FeedStack(tmp_path, ws_processes=1, environment=environment) as stack:
        async with Crowd(stack.url, rooms * (CROWD // ROOMS)) as crowd:
            await crowd.wait_until_all_are_online()
            crowd.failed_handshakes.clear()
            with slowed(stack.process("ws-1")):
                crowd.drop_all()
                await crowd.wait_for(lambda: all(len(member.welcomes) > 1 for member in crowd.members), 120)
            slowest = max(member.welcomes[1] - member.closes[0].at for member in crowd.members)
    failed = sum(crowd.failed_handshakes.values())
    figures.append(f"{CROWD:,} clients, a fifth of a core: all back after {slowest:.1f} s, {failed} handshakes failed")
    # Begun all at once, hardly one of them was answered in time, and the same work was done again and again.
    assert slowest > HANDSHAKE_TIMEOUT
    assert failed < CROWD / 10
