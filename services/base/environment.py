"""The environment of the services: that of the process, and below it the file ``.env``.

Every variable is listed in ``.env.example``.
"""

import os
import re
import sys
from pathlib import Path

from dotenv import dotenv_values

from channels_live.conf import environment
from channels_live.conf.environment import env, exit_on_wrong_configuration

__all__ = ["ROOT", "env", "exit_on_wrong_configuration", "misspelt_names"]

ROOT = Path(__file__).resolve().parents[2]

try:
    env.fill_in(ROOT / ".env")
except (OSError, ValueError) as error:
    # Whoever imports this cannot know of a file that is a directory, somebody else's, or not in UTF-8.
    sys.exit(f"Wrong configuration: .env cannot be read: {error}")


def misspelt_names() -> list[str]:
    """Return a sentence for each variable that is set, is no setting, and looks like one that was meant.

    Looks at the process environment and at ``.env``. The settings are those of ``.env.example``; without that file
    nothing is known.
    """
    try:
        listed = (ROOT / ".env.example").read_text()
    except FileNotFoundError:
        return []
    known = set(re.findall(r"^#?([A-Z_]+)=", listed, re.MULTILINE))
    return environment.misspelt_names(known, {*os.environ, *dotenv_values(ROOT / ".env")})
