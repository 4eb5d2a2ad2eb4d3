import pytest
from django.core.exceptions import ImproperlyConfigured

from base.database_url import database


def test_sqlite_waits_for_other_writers():
    settings = database("sqlite:////tmp/db.sqlite3")
    assert settings["NAME"] == "/tmp/db.sqlite3"
    assert settings["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_a_postgresql_that_vanished_is_noticed_within_seconds():
    settings = database("postgres://u:p%40ss@db:5433/chat")
    assert (settings["HOST"], settings["PORT"], settings["PASSWORD"]) == ("db", 5433, "p@ss")
    assert settings["CONN_HEALTH_CHECKS"]
    assert settings["OPTIONS"]["connect_timeout"] == 3
    assert settings["OPTIONS"]["tcp_user_timeout"] == 5000


def test_options_of_the_address_win():
    settings = database("postgres://u@db/chat?sslmode=require&connect_timeout=10")
    assert settings["OPTIONS"]["sslmode"] == "require"
    assert int(settings["OPTIONS"]["connect_timeout"]) == 10
    assert settings["OPTIONS"]["keepalives_idle"] == 10


@pytest.mark.parametrize("url", ["", "mysql://a/b", "db.sqlite3"])
def test_anything_else_says_what_was_expected(url):
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL: .*expected sqlite:///path or postgres://"):
        database(url)
