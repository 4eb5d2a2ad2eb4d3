"""The memory of a server, and the latency of other members, while one member reads nothing."""

import base64
import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.load.client import Clients, address
from tests.load.connections import settled_memory
from tests.load.fan_out import PATIENCE_SECONDS, Figures, check_complete, clients_of, percentiles
from tests.load.servers import running
from tests.support.processes import memory_kib

RECEIVE_BUFFER_BYTES = 4096
# One character that is six bytes of JSON: a control character with any encoder. The chat removes those from a text, but
# writes JSON in ASCII.
SIX_BYTES = {"ours": r"\u3042"}
SIX_BYTES_ELSEWHERE = r"\u0001"


async def slow_member(server: str, directory: Path, members: int, messages: int, kilobytes: int) -> Figures:
    """Send large messages, one in flight, first without and then with a member that reads nothing."""
    padding = SIX_BYTES.get(server, SIX_BYTES_ELSEWHERE) * (kilobytes * 1000 // len(SIX_BYTES_ELSEWHERE))
    with running(server, directory, environment={"MESSAGE_MAX_CHARS": "16000"}) as process:
        async with clients_of(process, members, padding=padding) as clients:
            _, usual = await _send_messages(clients, process.process_ids, messages)
            with stalled_member(process.urls[0]):
                growth, beside = await _send_messages(clients, process.process_ids, messages)
        process.check()
        return {
            "growth (MiB)": growth / 1024,
            "p99 alone (ms)": usual["p99 (ms)"],
            "p99 with slow member (ms)": beside["p99 (ms)"],
        }


async def _send_messages(clients: Clients, process_ids: Sequence[int], messages: int) -> tuple[int, Figures]:
    """Return the highest growth of the processes in KiB, and the latency of the members; raises Lost."""
    before = await settled_memory(process_ids)
    clients.reset_counts()
    clients.is_timing = True
    with Peak(process_ids) as peak:
        for _ in range(messages):
            clients.send()
            await clients.wait_until_delivered(PATIENCE_SECONDS)
    check_complete(clients, messages)
    return peak.kib - before, percentiles(clients)


class Peak:
    """Samples the memory of processes every 50 ms; ``kib`` is the highest value in KiB."""

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
    """Connect to the clients' room as a member that reads nothing after the handshake, with a small receive buffer."""
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
