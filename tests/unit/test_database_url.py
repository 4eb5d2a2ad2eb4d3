import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection as connection_of_tests
from django.db.backends.postgresql.base import DatabaseWrapper

from base.database_url import database
from tests.postgres import Server


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


def test_of_several_hosts_the_one_that_takes_writes_is_used():
    settings = database("postgres://u:p%40,ss@one:5433,two/chat?connect_timeout=10")
    assert (settings["HOST"], settings["PORT"]) == ("one,two", "5433,5432")
    assert (settings["USER"], settings["PASSWORD"], settings["NAME"]) == ("u", "p@,ss", "chat")
    assert settings["OPTIONS"]["target_session_attrs"] == "read-write"
    assert int(settings["OPTIONS"]["connect_timeout"]) == 10
    assert database("postgres://u@one,two/chat?target_session_attrs=any")["OPTIONS"]["target_session_attrs"] == "any"
    assert "target_session_attrs" not in database("postgres://u@one/chat")["OPTIONS"]


@pytest.mark.parametrize("url", ["postgres://u:p#w@h/db", "postgres://u:p[w@h/db", "postgres://h:port/db"])
def test_an_address_that_cannot_be_read_names_the_variable_and_not_the_password(url):
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL: not an address; expected postgres://") as raised:
        database(url)
    assert "p#w" not in str(raised.value)
    assert "p[w" not in str(raised.value)


@pytest.mark.django_db
def test_with_several_hosts_django_connects_to_the_one_that_answers(postgres: Server | None):
    if postgres is None:
        pytest.skip("only PostgreSQL has hosts")
    url = postgres.part.url.replace("127.0.0.1", "127.0.0.1:1,127.0.0.1")
    connection = DatabaseWrapper(connection_of_tests.settings_dict | database(url))
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
    finally:
        connection.close()


@pytest.mark.parametrize("url", ["", "mysql://a/b", "db.sqlite3"])
def test_anything_else_says_what_was_expected(url):
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_URL: .*expected sqlite:///path or postgres://"):
        database(url)
