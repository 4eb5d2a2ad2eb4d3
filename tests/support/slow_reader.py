"""Clients that read a response slowly, and the files that nginx keeps for them."""

import os
import socket
from pathlib import Path

from deploy.local import Stack, ports


class SlowReader:
    """Asks, and reads the first bytes of the answer, with the smallest receive buffer that there is."""

    def __init__(self, stack: Stack, path: str, *headers: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self._socket.settimeout(20)
        self._socket.connect((ports.HOST, stack.port))
        lines = [f"GET {path} HTTP/1.1", f"Host: {ports.HOST}:{stack.port}", "Connection: close", *headers, "", ""]
        self._socket.sendall("\r\n".join(lines).encode())
        self.received = self._socket.recv(64)

    def read_on(self) -> bytes:
        """Return the body, once all of it has come."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        while piece := self._socket.recv(1 << 20):
            self.received += piece
        return self.received.partition(b"\r\n\r\n")[2]

    def close(self) -> None:
        self._socket.close()


def files_in(folder: Path) -> list[str]:
    return [name for _, _, names in os.walk(folder) for name in names]
