"""Where a server program comes from: PATH where it is new enough, else a wheel that is installed."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

Version = tuple[int, ...]


class ProgramMissing(Exception):
    """Neither this machine nor an installed wheel has the program. The text is what to install."""


def find_program(
    names: Sequence[str], *, version_option: str, oldest: Version, wheel: Path | None, advice: str = ""
) -> Path:
    """Return the first of the programs on PATH that is new enough, else the wheel's.

    Args:
        names: What the program is called, the preferred name first.
        version_option: With it the program prints its version.
        oldest: The first version that will do.
        wheel: The program in an installed wheel, None where there is no such wheel.
        advice: What else helps, at the end of the error's text.

    Raises:
        ProgramMissing: There is none.
    """
    for name in names:
        path = shutil.which(name)
        if path and _version(path, version_option) >= oldest:
            return Path(path)
    if wheel and wheel.exists():
        return wheel
    wanted = ".".join(map(str, oldest))
    raise ProgramMissing(
        f"{' or '.join(names)} {wanted} or newer is not on PATH; install it with your package manager{advice}."
    )


def program_in_wheel(package: str, inside: str) -> Path | None:
    """Return the path of a file in an installed package, which is not imported; None without the package."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / inside


def _version(path: str, option: str) -> Version:
    result = subprocess.run([path, option], capture_output=True, text=True, timeout=10, check=False)
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", result.stdout + result.stderr)
    return tuple(map(int, found.groups())) if found else (0,)
