"""What a member that stops reading does to its server, and to the others of its room."""

import base64
import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.load.client import Crowd, address
from tests.load.connections import settled_memory
from tests.load.fan_out import PATIENCE_SECONDS, Figures, complete, crowd_of, percentiles
from tests.load.servers import running
from tests.support.processes import memory_kib

RECEIVE_BUFFER_BYTES = 4096
# One character of a text that is six bytes of JSON: a control character, whatever the server's encoder does; ours takes
# those out of a text, and writes ASCII.
SIX_BYTES = {"ours": r"\u3042"}
SIX_BYTES_ELSEWHERE = r"\u0001"


async def slow_member(server: str, directory: Path, members: int, messages: int, kilobytes: int) -> Figures:
    """Write large messages, one in flight, first without and then with a member that reads nothing."""
    padding = SIX_BYTES.get(server, SIX_BYTES_ELSEWHERE) * (kilobytes * 1000 // len(SIX_BYTES_ELSEWHERE))
    with running(server, directory, environment={"MESSAGE_MAX_CHARS": "16000"}) as process:
        async with crowd_of(process, members, padding=padding) as crowd:
            _, usual = await _talk(crowd, process.process_ids, messages)
            with stalled_member(process.urls[0]):
                growth, beside = await _talk(crowd, process.process_ids, messages)
        process.check()
        return {
            "growth (MiB)": growth / 1024,
            "p99 without (ms)": usual["p99 (ms)"],
            "p99 with it (ms)": beside["p99 (ms)"],
        }


async def _talk(crowd: Crowd, process_ids: Sequence[int], messages: int) -> tuple[int, Figures]:
    """Return how many KiB the processes have grown at most, and what the others saw; raises Lost."""
    before = await settled_memory(process_ids)
    crowd.forget()
    crowd.is_timing = True
    with Peak(process_ids) as peak:
        for _ in range(messages):
            crowd.say()
            await crowd.arrived(PATIENCE_SECONDS)
    complete(crowd, messages)
    return peak.kib - before, percentiles(crowd)


class Peak:
    """Looks at the memory of processes every 50 ms, and keeps the highest, in KiB."""

    def __init__(self, process_ids: Sequence[int]) -> None:
        self.kib = 0
        self._process_ids = process_ids
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(0.05):
            self.kib = max(self.kib, memory_kib(self._process_ids))


@contextlib.contextmanager
def stalled_member(origin: str) -> Iterator[None]:
    """Enter the crowd's room as a member that reads nothing after the handshake, with a small receive buffer."""
    url = urlsplit(address(origin, "load-0", "tutorial"))
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {url.path} HTTP/1.1", f"Host: {url.netloc}", f"Origin: {origin}", "Connection: Upgrade"]
    lines += ["Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", ""]
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        connection.settimeout(10)
        connection.connect((url.hostname, url.port))
        connection.sendall("\r\n".join(lines).encode())
        answer = connection.recv(1024)
        if b" 101 " not in answer:
            raise ConnectionError(answer[:100].decode(errors="replace"))
        yield
