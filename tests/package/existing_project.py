"""A reader of docs/existing-project.md and docs/testing.md, who does what they say."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from deploy.local import Process
from deploy.local.binaries import find_nginx
from deploy.local.process import answers_http
from tests.package.distribution import ROOT

PAGE = (ROOT / "docs/existing-project.md").read_text()
TESTING_PAGE = (ROOT / "docs/testing.md").read_text()
INSTALL = re.compile(r'pip install "?channels-live(?P<extra>(?:\[\w+\])?)"?')
SERVE = "python -m channels_live.server"
# A block of code; one of Python may stand below a line that names its file: "At the end of `mysite/settings.py`:".
BLOCK = re.compile(
    r"^(?:(?P<where>[^\n`]*)`(?P<file>[\w/.]+)`[^\n]*:\n\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# The environment of the tests themselves: neither their modules nor their settings are the project's.
OURS = {"PYTHONPATH", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV"}


class Project:
    """A new Django project in a folder, with a virtual environment of its own."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self._venv = folder / "venv"
        self._environment = {name: value for name, value in os.environ.items() if name not in OURS} | {
            "PATH": f"{self._venv}/bin:{os.environ['PATH']}",
            **variables,
        }

    def run(self, command: str) -> str:
        """Run a command as a shell does in the project's folder, and return what it wrote; it must not fail."""
        result = self.try_to_run(command)
        assert result.returncode == 0, f"{command}: {result.stdout}"
        return result.stdout

    def try_to_run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command, which may fail, in the same way."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )

    def install(self, wheel: Path, wheels: Path, extra: str = "") -> None:
        """Install a wheel and what it requires, with an ``[extra]``, from a folder of wheels and nowhere else."""
        if not self._venv.exists():
            self.run(f"{sys.executable} -m venv --without-pip {self._venv}")
        pip = f"{sys.executable} -m pip --python {self._venv}/bin/python install --disable-pip-version-check --quiet"
        self.run(f"{pip} --no-index --find-links {wheels} '{wheel}{extra}'")

    def follow(self, wheel: Path, wheels: Path) -> str:
        """Do what the page says, with these wheels, and return the command with which it starts the server."""
        for command in self.write_and_yield_commands(blocks("\n## Install\n")):
            if install := INSTALL.fullmatch(command):
                self.install(wheel, wheels, install["extra"])
            elif SERVE in command:
                return command
            else:
                self.run(command)
        raise AssertionError(f"the page does not say {SERVE}")

    def write_and_yield_commands(self, page: Iterable[re.Match[str]]) -> Iterator[str]:
        """Write the files of the page, and yield its commands, both in its order."""
        for block in page:
            if block["language"] == "console":
                yield from (line.removeprefix("$ ") for line in block["text"].splitlines())
            elif block["file"]:
                self._write(block)

    def _write(self, block: re.Match[str]) -> None:
        path = self.folder / block["file"]
        before = path.read_text() + "\n" if "end of" in block["where"] else ""
        path.write_text(before + block["text"])

    def server(self, command: str, address: str) -> Process:
        """Return the process that the command starts; start it yourself."""
        script = f"cd {self.folder} && exec env BIND={address} {command}"
        log = self.folder.parent / "server.log"
        return Process(
            "server", "ws", f"http://{address}", ["bash", "-c", script], log, answers_http("/readyz"), self._environment
        )


def blocks(heading: str) -> Iterator[re.Match[str]]:
    """Return the blocks of code below a heading of the page."""
    return BLOCK.finditer(PAGE.partition(heading)[2].partition("\n## ")[0])


def nginx_process(folder: Path, address: str, server: str) -> Process:
    """Return nginx with the directives of the page, which listens on ``address`` and proxies to ``server``."""
    (block,) = blocks("\n## nginx\n")
    for_http, for_server = re.sub(r"127\.0\.0\.1:\d+", server, block["text"]).split("# In your block server.\n")
    folder.mkdir()
    temporary = " ".join(f"{name}_temp_path {folder};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path = folder / "nginx.conf"
    path.write_text(f"""
daemon off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    {temporary}
    {for_http}
    server {{
        listen {address};
        location = /healthz {{ return 200; }}
        {for_server}
    }}
}}
""")
    command = [str(find_nginx()), "-p", str(folder), "-e", "stderr", "-c", str(path)]
    return Process("nginx", "nginx", f"http://{address}", command, folder / "log", answers_http("/healthz"), os.environ)
