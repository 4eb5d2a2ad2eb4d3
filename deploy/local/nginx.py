"""Render the nginx configuration for the native run, from the template that the nginx image uses too."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.local.binaries import find_nginx
from deploy.local.process import open_private

FOLDER = Path(__file__).resolve().parents[1] / "nginx"
MAX_FILES = 20000
# The environment variables that nginx reads; directives.sh has the defaults.
SETTINGS = [
    "TRUSTED_PROXIES",
    "ALLOWED_HOSTS",
    "PATH_PREFIX",
    "HSTS_SECONDS",
    "MAX_BODY_KIB",
    "MAX_HEADER_KIB",
    "PROXY_PROTOCOL",
    "CLIENT_TIMEOUT",
    "HANDSHAKE_RATE",
    "MAX_SOCKETS_PER_ADDRESS",
    "MAX_REQUESTS_PER_ADDRESS",
    "MAX_READS_PER_ADDRESS",
    "REQUEST_RATE",
    "ACCOUNT_RATE",
    "REFUSALS_SYSLOG",
]


class InvalidSetting(Exception):
    """A setting has an invalid value. The text names the setting and what was expected."""


def command(configuration: Path) -> list[str]:
    """Return the command that runs nginx in the foreground. nginx writes into the folder of its configuration."""
    # Started by root, the workers would run as the user nobody, who may not write into the folder.
    directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
    program = [str(find_nginx()), "-p", str(configuration.parent), "-c", str(configuration), "-e", "stderr"]
    return [*program, "-g", directives]


def render(target: Path, environment: Mapping[str, str]) -> None:
    """Write the nginx configuration as the entry point of the image does: directives.sh, then envsubst.

    Raises InvalidSetting if directives.sh rejects a variable of ``environment``.
    """
    variables = {
        "NGINX_WORKERS": "1",
        "NGINX_WORKER_CONNECTIONS": str(MAX_FILES // 2),
        "NGINX_MAX_FILES": str(MAX_FILES),
        "NGINX_WS_READ_TIMEOUT": "75",
        "NGINX_TEMP": str(target.parent),
        "NGINX_PAGES": str(FOLDER),
        "NGINX_RESOLVER": "127.0.0.1",
        **environment,
    }
    derived = subprocess.run(
        [str(FOLDER / "directives.sh"), "env", "-0"],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if derived.returncode:
        raise InvalidSetting(f"Invalid configuration: {derived.stderr.strip()}")
    values = dict(line.split("=", 1) for line in derived.stdout.split("\0") if line)
    template = (FOLDER / "nginx.conf.template").read_text()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(target, "w", opener=open_private) as file:
        # Only names in upper case are replaced, because ${lower_case} is a variable of nginx.
        file.write(re.sub(r"\$\{([A-Z_]+)\}", lambda found: values.get(found[1], found[0]), template))
