"""The environment of the services: the process environment, and the file ``.env`` for what it does not set.

Every variable is listed in ``.env.example``.
"""

import os
import re
import sys
from pathlib import Path

from dotenv import dotenv_values

from channels_live import conf
from channels_live.conf import env, exit_on_invalid_configuration

__all__ = ["ROOT", "env", "exit_on_invalid_configuration", "misspelled_names"]

ROOT = Path(__file__).resolve().parents[2]

try:
    env.read_file(ROOT / ".env")
except (OSError, ValueError) as error:
    # A program that imports this module cannot handle a file that is a directory, unreadable, or not in UTF-8.
    sys.exit(f"Invalid configuration: .env cannot be read: {error}")


def misspelled_names() -> list[str]:
    """Return a sentence for each variable that is set, is not a setting, and resembles one.

    Looks at the process environment and at ``.env``. The settings are those of ``.env.example``; without that file the
    list is empty.
    """
    try:
        listed = (ROOT / ".env.example").read_text()
    except FileNotFoundError:
        return []
    known = set(re.findall(r"^#?([A-Z_]+)=", listed, re.MULTILINE))
    return conf.misspelled_names(known, {*os.environ, *dotenv_values(ROOT / ".env")})
