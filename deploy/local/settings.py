"""The settings of ``make run``, from the environment and from ``.env``. The environment wins."""

import os
import subprocess
import sys
from pathlib import Path

from dotenv import dotenv_values
from environs import Env, validate

from deploy.local.nginx import InvalidSetting
from deploy.local.stack import PYTHONPATH, ROOT, Stack

# The stack has defaults for these. An empty value counts as unset, as in compose.
DEFAULTED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "STATIC_ROOT", "DRAIN_SECONDS")


def configured_stack(directory: Path) -> tuple[Stack, list[str]]:
    """Return the stack that the settings describe, and lines about them to be shown.

    Raises EnvError or InvalidSetting with a one-line error. No process has been started then.
    """
    env = Env()
    try:
        env.read_env(str(ROOT / ".env"), recurse=False)
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"Invalid configuration: .env cannot be read: {error}") from None
    names = {*dotenv_values(ROOT / ".env"), *DEFAULTED, *(f"{name}_FILE" for name in DEFAULTED)}
    # NAME in the environment wins over NAME_FILE in .env.
    names -= {f"{name}_FILE" for name, value in os.environ.items() if value and f"{name}_FILE" not in os.environ}
    values = {name: env.str(name, None) for name in names}
    given = {name: value for name, value in values.items() if value or (value is not None and name not in DEFAULTED)}
    stack = Stack(
        directory,
        port=env.int("PORT", 8080, validate=validate.Range(1, 65535)),
        ws_processes=env.int("WS_PROCESSES", 2, validate=validate.Range(1, 64)),
        environment=given,
        own_redis=not {"REDIS_URL", "REDIS_URL_FILE"} & given.keys(),
    )
    notes = _check({**os.environ, **given})
    if env.str("BIND", ""):
        notes.append("BIND has no effect: make run chooses the addresses of web and ws.")
    return stack, notes


def _check(environment: dict[str, str]) -> list[str]:
    """Return the output of ``base.check_settings``; raises InvalidSetting with its error."""
    if not environment.get("SECRET_KEY"):
        environment.pop("SECRET_KEY", None)
    check = subprocess.run(
        [sys.executable, "-m", "base.check_settings"],
        env={**environment, "PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=False,
    )
    if check.returncode:
        lines = check.stderr.strip().splitlines()
        raise InvalidSetting(lines[-1] if lines else "The settings cannot be read.")
    return check.stdout.splitlines()
