import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import Stack
from tests.support import postgres as plugin

# What the tests talk to is on this machine; a proxy of the environment (http_proxy) would be asked for it by clients.
os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(
    [*filter(None, [os.environ.get("no_proxy") or os.environ.get("NO_PROXY")]), "localhost,127.0.0.1,::1"]
)


@pytest.fixture(scope="session", autouse=True)
def prepared_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The first stack of each project makes its database and static files, the others copy them.

    That is half of what a start costs.
    """
    kept: dict[str, Path] = {}
    prepare = Stack._prepare

    def copy_or_prepare(stack: Stack) -> None:
        project = stack.settings["web"]
        database, static = stack.directory / "db.sqlite3", stack.directory / "static"
        has_own_way = (
            stack.environment["DATABASE_URL"] != f"sqlite:///{database}"
            or stack.environment["STATIC_ROOT"] != str(static)
            or stack.environment.get("DEBUG", "false") != "false"
            or database.exists()
        )
        if has_own_way:
            prepare(stack)
        elif project not in kept:
            prepare(stack)
            kept[project] = tmp_path_factory.mktemp("prepared")
            shutil.copy(database, kept[project])
            shutil.copytree(static, kept[project] / "static")
        else:
            shutil.copy(kept[project] / "db.sqlite3", database)
            shutil.copytree(kept[project] / "static", static)

    Stack._prepare = copy_or_prepare  # type: ignore[method-assign]
    yield
    Stack._prepare = prepare  # type: ignore[method-assign]


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
