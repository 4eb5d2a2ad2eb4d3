"""The stack in containers, as ``docker compose up --wait`` starts it, with the tests' own app."""

from collections.abc import Iterator

import pytest

from tests.containers.project import FEED, Project, images, running  # noqa: F401


@pytest.fixture(scope="session")
def project(images: None) -> Iterator[Project]:  # noqa: F811
    with running(Project(files=FEED)) as project:
        yield project
