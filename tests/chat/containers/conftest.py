"""The stack in containers, as ``docker compose up --wait`` starts it."""

from collections.abc import Iterator

import pytest

from tests.containers.project import Project, images, running  # noqa: F401


@pytest.fixture(scope="session")
def project(images: None) -> Iterator[Project]:  # noqa: F811
    with running(Project()) as project:
        yield project
