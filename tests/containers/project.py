"""A compose project with a name, ports and image tags of its own."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from deploy.local import ports
from tests.support import engine
from tests.support.engine import docker, inspect

ROOT = Path(__file__).resolve().parents[2]
# Usually less than 10 s; the measured time is printed. On an overloaded machine it was 10.7 s.
RECOVERY_SECONDS = 30
# The stack with the app of the platform's own tests in the place of the template's product.
FEED = ("docker-compose.yml", "tests/containers/feed.yml")


class Project:
    """The stack of ``docker-compose.yml`` without ``.env`` and with default settings."""

    def __init__(self, environment: Mapping[str, str] | None = None, files: tuple[str, ...] = ()) -> None:
        self.name = f"test-{token_hex(4)}"
        self.port = ports.pick()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"} or "DOCKER" in name}
        self.environment = {
            **kept,
            "COMPOSE_DISABLE_ENV_FILE": "true",
            "COMPOSE_PROJECT_NAME": self.name,
            "PORT": str(self.port),
            "VERSION": "test",
            # For make too, which calls compose.
            **({"COMPOSE_FILE": ":".join(files)} if files else {}),
            **(environment or {}),
        }

    def compose(self, *arguments: str, check: bool = True, **options: Any) -> str:
        """Run ``docker compose`` and return what it wrote."""
        command = ("compose", "--progress", "quiet", *arguments)
        return docker(*command, check=check, env=self.environment, cwd=ROOT, **options).stdout

    def ids(self, *services: str, all: bool = False) -> list[str]:
        """Return the ids of the services' containers, by default of all services."""
        return self.compose("ps", "--quiet", *(["--all"] if all else []), *services).split()

    def containers(self, *services: str, all: bool = False) -> list[dict[str, Any]]:
        """Return the output of ``docker inspect`` for the services' containers."""
        return inspect(*self.ids(*services, all=all))

    def execute(self, container: str, *command: str, check: bool = True) -> str:
        """Run a command in a container and return its standard output."""
        return docker("exec", container, *command, check=check).stdout

    def leftovers(self) -> dict[str, list[str]]:
        """Return the containers, networks and volumes of this project that exist."""
        mine = ["--quiet", "--filter", f"label=com.docker.compose.project={self.name}"]
        commands = {"containers": ["ps", "--all"], "networks": ["network", "ls"], "volumes": ["volume", "ls"]}
        return {kind: docker(*command, *mine).stdout.split() for kind, command in commands.items()}


@contextmanager
def running(project: Project) -> Iterator[Project]:
    """Start the project, healthy; at the end ``down --volumes`` must leave nothing of it."""
    try:
        project.compose("up", "--wait")
        yield project
    finally:
        project.compose("down", "--volumes")
    assert not any(project.leftovers().values()), project.leftovers()


@pytest.fixture(scope="session")
def images() -> Iterator[None]:
    """Build the images as version ``test``; without an engine the run fails, since it must not pass silently."""
    if not engine.is_running():
        pytest.exit("These tests need a container engine: install Docker, or start it (docker info).", returncode=1)
    docker("buildx", "bake", "--load", "--file", "docker-compose.yml", env=Project().environment, cwd=ROOT)
    yield
    docker("image", "rm", *(f"channels-stack/{name}:test" for name in ("web", "ws", "nginx")))


def wait_until(condition: Callable[[], object], seconds: float) -> float:
    """Return after how many seconds the condition is true; raises AssertionError after ``seconds``."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"not within {seconds:g} s"
        time.sleep(0.1)
    return time.monotonic() - started


def answers(url: str) -> bool:
    """Whether the URL is answered with 200."""
    try:
        with urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False
