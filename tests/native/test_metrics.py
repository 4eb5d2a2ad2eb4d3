"""web's /metrics, whichever of Gunicorn's workers answers."""

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from deploy.local import Stack
from tests.support.feed_stack import FeedStack

WORKERS = 3
REQUESTS = 60


def workers_of(master: int) -> list[int]:
    """Return the pids of Gunicorn's workers."""
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def metrics(stack: Stack) -> str:
    # A new connection each time, so that any worker may answer.
    return httpx.get(f"{stack.process('web').url}/metrics", headers={"Connection": "close"}).text


def answered(stack: Stack) -> float:
    found = re.search(r'^http_requests_total\{.*route="/feed/".*\} (\S+)$', metrics(stack), re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_counters_sum_all_workers_and_survive_their_restart(tmp_path):
    with FeedStack(tmp_path, ws_processes=1, environment={"WEB_WORKERS": str(WORKERS)}) as stack:
        web = stack.process("web")
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: httpx.get(f"{web.url}/feed/").status_code, range(REQUESTS))) == {200}
        assert {answered(stack) for _ in range(10 * WORKERS)} == {REQUESTS}
        assert "http_requests_in_progress 0.0" in metrics(stack)

        assert web.pid
        before = workers_of(web.pid)
        assert len(before) == WORKERS
        os.kill(before[0], signal.SIGKILL)
        deadline = time.monotonic() + 20
        while before[0] in workers_of(web.pid) or len(workers_of(web.pid)) < WORKERS:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert answered(stack) == REQUESTS

        web.signal(signal.SIGHUP)
        while set(before) & set(workers_of(web.pid)) or len(workers_of(web.pid)) < WORKERS:
            assert time.monotonic() < deadline + 20
            time.sleep(0.05)
        assert answered(stack) == REQUESTS

        stack.restart("web")
        assert answered(stack) == 0
        assert httpx.get(f"{stack.url}/metrics").status_code == 404
