"""The process environment as a source of settings.

A secret ``NAME`` may also be given as ``NAME_FILE``, the path of a file that holds it.
"""

import difflib
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from dotenv import dotenv_values
from environs import EnvError, FileAwareEnv

# How similar a name must be to that of a setting (difflib's ratio): ALLOWED_HOST to ALLOWED_HOSTS is 0.96,
# TRUSTED_PROXY to TRUSTED_PROXIES 0.86; REDIS_PORT, which Kubernetes sets by itself, to REDIS_URL 0.74.
LIKENESS = 0.85
# Many other Django projects have it before their variables' names, such as DJANGO_SECRET_KEY.
FOREIGN_PREFIX = "DJANGO_"


class Environment(FileAwareEnv):
    """environs' reader, with lists whose items may be separated by commas, blanks, or both."""

    def items(self, name: str, default: Sequence[str]) -> list[str]:
        """Return the items of a list; ``default`` where the variable is not set or empty."""
        return split_items(self.str(name, "")) or list(default)

    def _get_value(self, env_key: str, default: Any) -> Any:
        try:
            return super()._get_value(env_key, default)
        except UnicodeDecodeError as error:
            raise ValueError(f"The value of {env_key}_FILE must be the path of a text file in UTF-8.") from error

    def read_file(self, file: Path) -> None:
        """Read a file of NAME=value lines, for variables that the process environment does not set.

        NAME_FILE in the file is ignored where the process environment sets NAME.

        Raises OSError or ValueError where the file cannot be read.
        """
        self.read_env(str(file), recurse=False)
        for name in dotenv_values(file).keys() - os.environ.keys():
            if name.endswith("_FILE") and os.environ.get(name.removesuffix("_FILE")):
                self._environ.pop(name, None)


def split_items(value: str) -> list[str]:
    """Return the items of a list that are separated by commas, blanks or both."""
    return [item for item in re.split(r"[\s,]+", value) if item]


env = Environment(strip_whitespace=True)
"""The process environment. Settings are read from it, and from the file that ``env.read_file`` was given."""


@contextmanager
def exit_on_invalid_configuration() -> Iterator[None]:
    """End the process with status 1 and one sentence, instead of a traceback, where a setting is invalid."""
    try:
        yield
    except (EnvError, ImproperlyConfigured, ValueError) as error:
        sys.exit(f"Invalid configuration: {error}")


def misspelled_names(known: Collection[str], names: Iterable[str]) -> list[str]:
    """Return a sentence for each of the ``names`` that is not a ``known`` setting but resembles one."""
    return [
        f"{name} is not a setting and has no effect; did you mean {meant}?"
        for name in sorted(set(names))
        if (meant := _similar_setting(name, known))
    ]


def _similar_setting(name: str, known: Collection[str]) -> str | None:
    if name.removesuffix("_FILE") in known:
        return None
    if name.startswith(FOREIGN_PREFIX) and name.removeprefix(FOREIGN_PREFIX) in known:
        return name.removeprefix(FOREIGN_PREFIX)
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=LIKENESS)), None)
