"""Databases on which a service refuses to start."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local.stack import PYTHONPATH, ROOT
from tests.support.feed_stack import PROJECT, SETTINGS
from tests.support.postgres import Server

SERVE = {
    "ws": ["-m", "ws"],
    "web": ["-m", "gunicorn", "--config", "services/web/gunicorn.conf.py"],
}


def run(service: str, database_url: str, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": SETTINGS[service],
        "DATABASE_URL": database_url,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), PYTHONPATH]),
        "BIND": "127.0.0.1:0",
        "WEB_WORKERS": "2",
    }
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def migrated(database_url: str) -> None:
    result = run("web", database_url, "manage.py", "migrate", "-v0")
    assert result.returncode == 0, result.stderr


@pytest.fixture
def latin1_url(postgres: Server | None) -> str:
    if postgres is None:
        pytest.skip("only PostgreSQL has databases in other encodings")
    with psycopg.connect(postgres.process.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS latin")
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    return postgres.process.url.replace("/postgres", "/latin")


@pytest.fixture
def limited_url(postgres: Server | None) -> Iterator[str]:
    """A migrated database of a role that may write everywhere but into the posts."""
    if postgres is None:
        pytest.skip("only PostgreSQL has roles")
    url = postgres.create_database()
    migrated(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE limited LOGIN")
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO limited")
        connection.execute("REVOKE INSERT ON feed_post FROM limited")
        yield url.replace("chat@", "limited@")
        connection.execute("DROP OWNED BY limited")
        connection.execute("DROP ROLE limited")


@pytest.mark.parametrize("service", ["ws", "web"])
def test_service_without_migrated_database_exits_with_one_line(tmp_path: Path, service: str) -> None:
    result = run(service, f"sqlite:///{tmp_path}/db.sqlite3", *SERVE[service])
    assert result.returncode
    assert result.stderr.count("Invalid configuration: DATABASE_URL: migrations are not applied") == 1
    assert "Traceback" not in result.stderr


def test_service_without_write_privilege_exits_with_one_line(postgres: Server | None, limited_url: str) -> None:
    result = run("ws", limited_url, *SERVE["ws"])
    assert result.returncode
    assert result.stderr.count("DATABASE_URL: the role limited lacks INSERT on feed_post; GRANT it") == 1
    assert "Traceback" not in result.stderr


def test_wait_for_database_fails_if_a_privilege_is_missing(postgres: Server | None, limited_url: str) -> None:
    result = run("ws", limited_url, "manage.py", "wait_for_database", "--migrated")
    assert result.returncode == 1
    assert "the role limited lacks INSERT on feed_post" in result.stderr


def test_dropped_table_is_named(postgres: Server | None) -> None:
    if postgres is None:
        pytest.skip("the same code as on SQLite")
    url = postgres.create_database()
    migrated(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE feed_post")
    result = run("ws", url, "manage.py", "wait_for_database", "--migrated")
    assert result.returncode == 1
    assert "these tables are missing, although their migrations are applied: feed_post." in result.stderr


@pytest.mark.parametrize(
    "command", [["wait_for_database"], ["migrate", "-v0"], ["prepare"]], ids=lambda command: command[0]
)
def test_database_with_another_encoding_than_utf8_is_rejected_before_migrating(
    postgres: Server | None, latin1_url: str, command: list[str]
) -> None:
    result = run("web", latin1_url, "manage.py", *command)
    assert result.returncode
    assert "DATABASE_URL: the database has the encoding LATIN1" in result.stderr
    if command == ["prepare"]:
        # `make run` prints the last line.
        assert "encoding LATIN1" in result.stderr.strip().splitlines()[-1]
    assert "Traceback" not in result.stderr
    with psycopg.connect(latin1_url) as connection:
        assert not connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
