"""manage.py wait_for_database, which init containers of pods run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def environment(service: str, database: Path) -> dict[str, str]:
    return os.environ | {"DJANGO_SETTINGS_MODULE": f"{service}.settings", "DATABASE_URL": f"sqlite:///{database}"}


def manage(*arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60, **options)


@contextmanager
def waiting(*arguments: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", "manage.py", "wait_for_database", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("service", ["web", "ws"])
def test_waits_for_migrations_with_a_message(tmp_path: Path, service: str) -> None:
    env = environment(service, tmp_path / "db.sqlite3")
    with waiting("--migrated", env=env) as process:
        assert process.stdout
        assert "migrations are not applied" in process.stdout.readline()
        assert manage("migrate", "-v0", env=environment("web", tmp_path / "db.sqlite3")).returncode == 0
        assert process.stdout.readline() == "The database is migrated.\n"
        assert process.wait(30) == 0


def test_waits_for_the_database_and_prints_the_error(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    with waiting(env=environment("web", folder / "db.sqlite3")) as process:
        assert process.stdout
        assert "the database does not answer: unable to open database file" in process.stdout.readline()
        folder.mkdir()
        assert process.stdout.readline() == "The database answers.\n"
        assert process.wait(30) == 0


def test_sigterm_ends_the_wait(tmp_path: Path) -> None:
    with waiting("--migrated", env=environment("web", tmp_path / "db.sqlite3")) as process:
        assert process.stdout
        process.stdout.readline()
        process.terminate()
        assert process.wait(10) == 143
