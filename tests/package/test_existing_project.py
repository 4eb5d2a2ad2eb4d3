"""docs/existing-project.md, done as it says: with the wheel, in a fresh environment, in a project of startproject."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from deploy.local import Part, ports
from deploy.local.part import answers_http
from tests.package.distribution import ROOT, build_wheel
from tests.redis import redis_part

PAGE = (ROOT / "docs/existing-project.md").read_text()
# A block of the shell, or of a file that a line before it names.
STEP = re.compile(
    r"(?:^(?P<how>[^\n`]*)`(?P<file>[\w/.]+)`[^\n]*:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)
INSTALL = "pip install channels-live"
SERVE = "python -m channels_live.server"
SERVICE_RESTART = 1012


class Project:
    """A Django project with an environment of its own."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self._bin = folder / "venv/bin"
        # Nothing of this repository's environment: neither its modules nor its settings.
        ours = {"PYTHONPATH", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV"}
        self.environment = {name: value for name, value in os.environ.items() if name not in ours} | {
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            **variables,
        }

    def run(self, command: str) -> str:
        """Run a command as a shell does in the project's folder, and return what it wrote."""
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )
        assert result.returncode == 0, f"{command}: {result.stdout}"
        return result.stdout

    def install(self, wheel: Path, wheels: Path) -> None:
        """Make the environment, with a wheel and what that requires."""
        self.run(f"{sys.executable} -m venv --without-pip {self._bin.parent}")
        pip = f"{sys.executable} -m pip --python {self._bin}/python install --disable-pip-version-check --quiet"
        self.run(f"{pip} --no-index --find-links {wheels} {wheel}")

    def server(self, command: str, number: int) -> Part:
        """Return the process of ``python -m channels_live.server``; start it yourself."""
        script = (
            f"cd {self.folder} && exec {command}" if "=" not in command else f"cd {self.folder} && exec env {command}"
        )
        url = f"http://{self.environment['BIND']}"
        log = self.folder.parent / f"server-{number}.log"
        return Part(
            f"server-{number}", "ws", url, ["bash", "-c", script], log, answers_http("/readyz"), self.environment
        )


def steps() -> Iterator[tuple[str, str, str, str]]:
    """Yield kind, text, file and what is done with the file, for each block of the page up to its nginx."""
    for found in STEP.finditer(PAGE.partition("\n## nginx")[0]):
        yield found["kind"], found["text"], found["file"] or "", found["how"] or ""


def follow(project: Project, wheel: Path, wheels: Path) -> str:
    """Do what the page says up to the start of the server, and return the command that starts it."""
    for kind, text, file, how in steps():
        if kind == "python":
            path = project.folder / file
            assert file, f"no file for: {text}"
            before = path.read_text() if "end of" in how else ""
            path.write_text(f"{before}\n{text}" if before else text)
        elif kind == "console":
            for command in (line[2:].partition("  #")[0] for line in text.splitlines() if line.startswith("$ ")):
                if command == INSTALL:
                    project.install(wheel, wheels)
                elif SERVE in command:
                    return command
                else:
                    project.run(command)
    raise AssertionError(f"{SERVE} is not on the page")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Part]:
    part = redis_part(tmp_path)
    part.start()
    try:
        part.wait_ready()
        yield part
    finally:
        part.stop()


def frames(socket: ClientConnection, *types: str) -> list[dict[str, Any]]:
    """Read as many frames as there are types, and return them; they must be of these types."""
    read = [json.loads(socket.recv(10)) for _ in types]
    assert tuple(frame["type"] for frame in read) == types
    return read


@pytest.mark.parametrize("versions", ["locked", "lowest"])
def test_two_clients_lose_nothing_when_the_server_restarts(
    tmp_path: Path, redis: Part, wheel: Path, versions: str
) -> None:
    wheels = ROOT / ".run/wheels" / versions
    assert wheels.exists(), "The wheels to install are not there: make test-package fetches them."
    address = f"{ports.HOST}:{ports.pick()}"
    project = Project(tmp_path, {"REDIS_URL": redis.url, "BIND": address, "DRAIN_SECONDS": "0.2"})
    command = follow(project, wheel, wheels)
    server = project.server(command, 1)
    server.start()
    url = f"ws://{address}/ws/feed/news/"
    try:
        server.wait_ready()
        assert httpx.get(f"http://{address}/readyz").json() == {"status": "ok", "database": "ok", "redis": "ok"}
        with connect(url, origin=f"http://{address}") as alice, connect(url, origin=f"http://{address}") as bob:
            for socket in (alice, bob):
                frames(socket, "welcome")
            alice.send(json.dumps({"type": "append", "id": "a", "text": "before"}))
            # The entry may be told to its sender before the acknowledgement.
            assert {json.loads(alice.recv(10))["type"] for _ in range(2)} == {"ack", "entry"}
            (entry,) = frames(bob, "entry")
            assert (entry["seq"], entry["text"]) == (1, "before")
            assert server.stop() == 0
            for socket in (alice, bob):
                with pytest.raises(ConnectionClosed) as closed:
                    socket.recv(10)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == SERVICE_RESTART
        # Nobody is connected, and no server runs: what Django writes now has to reach them later.
        publish = PUBLISH.search(PAGE)
        assert publish, "the page does not show how a view publishes"
        (project.folder / "while_away.py").write_text(publish[1])
        project.run('python manage.py shell -c \'from while_away import announce; announce("news", "meanwhile")\'')
        server = project.server(command, 2)
        server.start()
        server.wait_ready()
        resume = f"{url}?after={entry['seq']}"
        with connect(resume, origin=f"http://{address}") as alice, connect(resume, origin=f"http://{address}") as bob:
            for socket in (alice, bob):
                welcome, missed = frames(socket, "welcome", "entry")
                assert (welcome["resumed_from"], missed["seq"], missed["text"]) == (1, 2, "meanwhile")
            bob.send(json.dumps({"type": "append", "id": "b", "text": "after"}))
            (entry,) = frames(alice, "entry")
            assert (entry["seq"], entry["text"]) == (3, "after")
    finally:
        server.stop()
    assert "Traceback" not in "\n".join(server.tail(200))


PUBLISH = re.compile(r"^```python\n((?:(?!^```).)*?def announce\(.*?)^```$", re.M | re.S)


def test_the_page_shows_nginx_the_addresses_that_it_uses() -> None:
    location = PAGE.partition("\n## nginx")[2]
    assert "location /ws/ {" in location
