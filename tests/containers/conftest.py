"""The stack in containers, as ``docker compose up --wait`` starts it."""

from collections.abc import Iterator

import pytest

from tests.containers.project import ROOT, Project
from tests.support import engine


@pytest.fixture(scope="session")
def images() -> Iterator[None]:
    """Build the images with the tag ``test``. Without a container engine the run fails, lest it pass silently."""
    if not engine.is_running():
        pytest.exit("These tests need a container engine: install Docker, or start it (docker info).", returncode=1)
    engine.docker("buildx", "bake", "--load", "--file", "docker-compose.yml", env=Project().environment, cwd=ROOT)
    yield
    engine.docker("image", "rm", *(f"channels-stack/{name}:test" for name in ("web", "ws", "nginx")))


@pytest.fixture(scope="session")
def project(images: None) -> Iterator[Project]:
    """The running stack. After the tests, ``down --volumes`` must remove all of it."""
    project = Project()
    try:
        project.compose("up", "--wait")
        yield project
    finally:
        project.compose("down", "--volumes")
    assert not any(project.leftovers().values()), project.leftovers()
