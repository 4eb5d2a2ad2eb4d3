"""The settings of ``make run``: the process environment, then ``.env``, as everywhere else."""

import os
import subprocess
import sys
from pathlib import Path

from dotenv import dotenv_values
from environs import Env, validate

from deploy.local.nginx import InvalidSetting
from deploy.local.stack import PYTHONPATH, ROOT, Stack

# For these the stack has values of its own, unless somebody gives others; an empty one is none, as for compose.
DEFAULTED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "STATIC_ROOT", "DRAIN_SECONDS")


def configured_stack(directory: Path) -> tuple[Stack, list[str]]:
    """Make the stack that the environment and ``.env`` ask for, and return it with what people should know of it.

    Raises EnvError or InvalidSetting with one sentence, before any process has started.
    """
    env = Env()
    try:
        env.read_env(str(ROOT / ".env"), recurse=False)
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"Invalid configuration: .env cannot be read: {error}") from None
    names = {*dotenv_values(ROOT / ".env"), *DEFAULTED, *(f"{name}_FILE" for name in DEFAULTED)}
    # A NAME_FILE of .env counts no more than a NAME of the process environment.
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
    remarks = _check({**os.environ, **given})
    if env.str("BIND", ""):
        remarks.append("BIND has no effect: make run chooses the addresses of web and ws itself.")
    return stack, remarks


def _check(environment: dict[str, str]) -> list[str]:
    """Return what base.check_settings says; raises InvalidSetting with its sentence."""
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
