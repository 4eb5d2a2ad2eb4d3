"""How much of what was sent has not arrived: of two answers that differ, something arrived in between."""

import fcntl
import struct
import termios
from typing import Any

# Bytes that the transport holds, and bytes that the kernel holds.
Unsent = tuple[int, int]


def unsent(transport: Any) -> Unsent | None:
    """Return what the other side has not received yet of what was sent, None where that is nothing.

    The kernel is asked too: it takes more only when a third of its buffer is free, which a slow client needs minutes
    for.
    """
    try:
        (unacknowledged,) = struct.unpack("i", fcntl.ioctl(transport.fileno(), termios.TIOCOUTQ, bytes(4)))
    except (OSError, ValueError):
        unacknowledged = 0  # not supported outside of Linux, or the socket is gone
    found = len(transport.dataBuffer) - transport.offset, unacknowledged
    return found if any(found) else None
