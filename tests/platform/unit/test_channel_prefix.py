"""The prefix that keeps installations on one Redis apart.

tests/platform/faults/test_two_installations.py has it with PostgreSQL.
"""

import os
import shutil

import pytest
from django.db import connections

from channels_live.conf import parse_database_url
from channels_live.database import identity as module
from channels_live.layers.prefix import channel_prefix

pytestmark = pytest.mark.django_db


@pytest.fixture
def prefix_of(monkeypatch, settings):
    """Return the prefix that a process with this database derives."""
    settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"CHANNEL_PREFIX": ""}

    def derive(path) -> str:
        connection = type(connections)({"default": parse_database_url(f"sqlite:///{path}")})["default"]
        monkeypatch.setattr(module, "connection", connection)
        monkeypatch.setattr(module, "_known", None)
        try:
            return channel_prefix()
        finally:
            connection.close()

    return derive


def test_all_processes_of_one_database_have_the_same(prefix_of, tmp_path):
    first = prefix_of(tmp_path / "db.sqlite3")
    os.symlink(tmp_path, tmp_path / "link")
    assert prefix_of(tmp_path / "link" / "db.sqlite3") == first
    assert first.endswith(":")


def test_a_copy_of_the_database_has_another(prefix_of, tmp_path):
    first = prefix_of(tmp_path / "db.sqlite3")
    shutil.copy(tmp_path / "db.sqlite3", tmp_path / "copy.sqlite3")
    assert prefix_of(tmp_path / "copy.sqlite3") != first


def test_another_secret_key_has_another(prefix_of, tmp_path, settings):
    first = prefix_of(tmp_path / "db.sqlite3")
    settings.SECRET_KEY = "of another installation"
    assert prefix_of(tmp_path / "db.sqlite3") != first


def test_the_setting_comes_before_the_database(prefix_of, tmp_path, settings):
    settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"CHANNEL_PREFIX": "staging"}
    assert prefix_of(tmp_path / "db.sqlite3") == "staging:"
