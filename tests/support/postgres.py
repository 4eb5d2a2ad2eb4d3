"""A PostgreSQL server for the tests.

As a pytest plugin (``pytest -p tests.support.postgres``) it starts one before Django reads its settings, and both
Django's tests and the stacks under test use it.
"""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local import Process, ports

USER = "chat"
OWNER = "postgres"


class PostgresMissing(Exception):
    """This machine has no PostgreSQL server."""


class Server:
    """A server on loopback with all its files in one temporary directory."""

    def __init__(self) -> None:
        programs = find_programs()
        # Not below pytest's directories: they are closed to the server's own user.
        self.directory = Path(tempfile.mkdtemp(prefix="postgres-"))
        data = self.directory / "data"
        as_owner = self._give_away()
        port = ports.pick()
        self._address = f"postgres://{USER}@{ports.HOST}:{port}"
        self._numbers = itertools.count(1)
        self._initdb = [*as_owner, str(programs / "initdb"), "--pgdata", str(data), "--username", USER]
        self._initdb += ["--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"]
        command = [*as_owner, str(programs / "postgres"), "-D", str(data), "-p", str(port)]
        command += ["-c", f"listen_addresses={ports.HOST}", "-c", f"unix_socket_directories={self.directory}"]
        self.process = Process(
            "postgres",
            "postgres",
            f"{self._address}/postgres",
            command,
            self.directory / "postgres.log",
            answers_query,
            environment={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            # Ends the sessions that are open; SIGTERM would wait for them.
            stop_signal=signal.SIGINT,
        )

    def start(self) -> None:
        """Initialise the data directory, start the server, and wait until it answers."""
        result = subprocess.run(self._initdb, cwd=self.directory, capture_output=True, text=True, check=False)
        if result.returncode:
            raise PostgresMissing(f"initdb failed: {result.stderr.strip()}")
        self.process.start()
        self.process.wait_ready()

    def stop(self) -> None:
        """Stop the server and remove its directory."""
        self.process.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def create_database(self) -> str:
        """Create an empty database, and return its DATABASE_URL."""
        name = f"chat_{next(self._numbers)}"
        with psycopg.connect(self.process.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"{self._address}/{name}"

    def _give_away(self) -> list[str]:
        """Change the owner of the directory to the server's user; return the command prefix that runs as that user."""
        if os.geteuid() != 0:
            return []
        # The server does not run as root. setpriv executes it, so the pid is the server's.
        try:
            owner = pwd.getpwnam(OWNER)
        except KeyError:
            owner = pwd.getpwnam("nobody")
        os.chown(self.directory, owner.pw_uid, owner.pw_gid)
        return ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]


def find_programs() -> Path:
    """Return the newest folder that has both initdb and postgres; raises PostgresMissing."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: [int(number) for number in folder.parent.name.split(".") if number.isdecimal()],
        reverse=True,
    )
    for folder in [*versions, *map(Path, os.get_exec_path())]:
        if all((folder / program).exists() for program in ("initdb", "postgres")):
            return folder
    raise PostgresMissing("The tests on PostgreSQL need its server programs; on Debian: apt-get install postgresql")


def answers_query(url: str) -> bool:
    """Whether the server at ``postgres://…`` accepts a connection."""
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


SERVER = pytest.StashKey[Server]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    try:
        server = Server()
        early_config.add_cleanup(server.stop)
        server.start()
    except PostgresMissing as error:
        raise pytest.UsageError(str(error)) from None
    early_config.stash[SERVER] = server
    os.environ["DATABASE_URL"] = server.create_database()
    return (yield)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect unit tests without a database, which `make test` runs."""
    left_out = {item for item in items if "unit" in item.path.parts and not _asks_a_database(item)}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def _asks_a_database(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(fixtures & {"db", "transactional_db", "postgres"})
