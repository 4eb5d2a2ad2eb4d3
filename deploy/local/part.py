"""One process of the stack: a part. It is what the package gives to tests, under the name that the stack uses."""

from channels_live.testing.process import (
    PRIVATE_UMASK,
    answers_http,
    answers_redis_ping,
    printable,
    private,
)
from channels_live.testing.process import Process as Part
from channels_live.testing.process import ProcessFailed as PartFailed

__all__ = ["PRIVATE_UMASK", "Part", "PartFailed", "answers_http", "answers_redis_ping", "printable", "private"]
