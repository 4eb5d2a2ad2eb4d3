"""Free ports of the loopback address."""

import random
import socket
from collections.abc import Iterator
from functools import cache
from itertools import cycle, islice

HOST = "127.0.0.1"
# Below Linux's range for outgoing connections (32768-60999), so that no client's socket takes the port of a process
# while the process restarts.
RANGE = range(20000, 32000)
BLOCK_SIZE = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    try:
        listen_once(port)
    except OSError:
        return False
    return True


def listen_once(port: int) -> None:
    """Bind the port once; raises PermissionError if that is not permitted, OSError if the port is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))


def pick() -> int:
    """Return a port that is free, and that no other process picks while this one runs.

    Raises OSError if there is none.
    """
    _, ports = _own_block()
    for port in islice(ports, BLOCK_SIZE):
        if is_free(port):
            return port
    raise OSError(f"None of the {BLOCK_SIZE} ports of this process is free")


@cache
def _own_block() -> tuple[socket.socket, Iterator[int]]:
    """Reserve a block of ports by binding the UDP port of its first: seconds pass between a pick and its use."""
    blocks = range(RANGE.start, RANGE.stop, BLOCK_SIZE)
    for first in random.sample(blocks, len(blocks)):
        claim = socket.socket(type=socket.SOCK_DGRAM)
        try:
            claim.bind((HOST, first))
        except OSError:
            claim.close()
        else:
            return claim, cycle(range(first + 1, first + BLOCK_SIZE))
    raise OSError(f"No block of {BLOCK_SIZE} ports is free between {RANGE.start} and {RANGE.stop}")
