"""The environment, which is the only source of configuration.

Every variable is listed in ``.env.example``. A secret ``NAME`` may also be given as ``NAME_FILE``,
the path of a file that holds it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environs import EnvError, FileAwareEnv

ROOT = Path(__file__).resolve().parents[2]

env = FileAwareEnv(strip_whitespace=True)
# Fills in only what the process environment does not set.
env.read_env(str(ROOT / ".env"), recurse=False)


@contextmanager
def exit_on_wrong_configuration() -> Iterator[None]:
    """End the process with one sentence where reading the settings fails, instead of a traceback."""
    try:
        yield
    except (EnvError, ImproperlyConfigured, ValueError) as error:
        sys.exit(f"Wrong configuration: {error}")
