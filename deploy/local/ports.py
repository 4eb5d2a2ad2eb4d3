"""Free ports of the loopback address."""

import random
import socket

HOST = "127.0.0.1"
# Below Linux' range for outgoing connections (32768-60999): a client's socket there could take the
# port of a part between two of its starts.
RANGE = range(20000, 32000)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def pick() -> int:
    """Return a port that nothing listens on."""
    for port in random.sample(RANGE, 200):
        if is_free(port):
            return port
    raise OSError(f"no free port between {RANGE.start} and {RANGE.stop}")
