import os
from collections.abc import Iterator

import pytest

from deploy.local import Stack
from tests import postgres as plugin


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> plugin.Server | None:
    """The PostgreSQL server of ``make test-postgres``; None where the stacks use SQLite."""
    return pytestconfig.stash.get(plugin.SERVER, None)


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory, postgres: plugin.Server | None) -> Iterator[str]:
    """Address of the stack under test: BASE_URL where it is set, else a native stack of our own."""
    if url := os.environ.get("BASE_URL"):
        yield url.rstrip("/")
        return
    environment = {"DATABASE_URL": postgres.create_database()} if postgres else {}
    with Stack(tmp_path_factory.mktemp("stack"), environment=environment) as stack:
        yield stack.url
