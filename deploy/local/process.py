"""One process of the stack: that of the package, which starts servers for tests in the same way."""

from channels_live.testing.process import (
    PRIVATE_UMASK,
    Process,
    ProcessFailed,
    answers_http,
    answers_redis_ping,
    open_private,
    printable,
)

__all__ = [
    "PRIVATE_UMASK",
    "Process",
    "ProcessFailed",
    "answers_http",
    "answers_redis_ping",
    "open_private",
    "printable",
]
