import ssl

import pytest
from django.core.exceptions import ImproperlyConfigured

from channels_live.conf import parse_database_url


def test_sqlite_waits_for_other_writers():
    settings = parse_database_url("sqlite:////tmp/db.sqlite3")
    assert settings["NAME"] == "/tmp/db.sqlite3"
    assert settings["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_a_postgresql_that_vanished_is_noticed_within_seconds():
    settings = parse_database_url("postgres://u:p%40ss@db:5433/chat")
    assert (settings["HOST"], settings["PORT"], settings["PASSWORD"]) == ("db", "5433", "p@ss")
    assert settings["CONN_HEALTH_CHECKS"]
    assert settings["OPTIONS"]["connect_timeout"] == 3
    assert settings["OPTIONS"]["tcp_user_timeout"] == 5000


def test_options_of_the_address_win():
    settings = parse_database_url("postgres://u@db/chat?sslmode=require&connect_timeout=10")
    assert settings["OPTIONS"]["sslmode"] == "require"
    assert int(settings["OPTIONS"]["connect_timeout"]) == 10
    assert settings["OPTIONS"]["keepalives_idle"] == 10


def test_several_hosts_are_left_to_libpq():
    settings = parse_database_url("postgres://u:p@a:5432,b:5433/chat?target_session_attrs=any")
    assert (settings["HOST"], settings["PORT"]) == ("a,b", "5432,5433")
    assert settings["OPTIONS"]["target_session_attrs"] == "any"
    without_ports = parse_database_url("postgres://u:p@a,b/chat")
    assert without_ports["PORT"] == ""
    # After a failover the first of them is the standby.
    assert without_ports["OPTIONS"]["target_session_attrs"] == "read-write"
    assert "target_session_attrs" not in parse_database_url("postgres://u:p@a/chat")["OPTIONS"]


@pytest.mark.parametrize("password", ["p#w", "p?w", "p[w", "p:w", "p=w", "p&w"])
def test_a_password_may_have_most_characters_as_they_are(password):
    settings = parse_database_url(f"postgres://u:{password}@db/chat")
    assert (settings["PASSWORD"], settings["HOST"], settings["NAME"]) == (password, "db", "chat")


def test_a_unix_socket_and_an_ipv6_address():
    assert parse_database_url("postgres:///chat?host=/run/postgresql")["HOST"] == "/run/postgresql"
    settings = parse_database_url("postgres://u:p@[fd00::1]:5433/chat")
    assert (settings["HOST"], settings["PORT"]) == ("fd00::1", "5433")


def test_a_server_is_verified_with_the_roots_of_the_system(monkeypatch, tmp_path):
    roots = tmp_path / "roots.pem"
    roots.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    for asked in ("sslmode=verify-full", "sslmode=verify-ca", "sslmode=verify-full&sslrootcert=system"):
        assert parse_database_url(f"postgres://u:p@db/chat?{asked}")["OPTIONS"]["sslrootcert"] == str(roots)
    own = parse_database_url("postgres://u:p@db/chat?sslmode=verify-full&sslrootcert=/run/secrets/ca.pem")
    assert own["OPTIONS"]["sslrootcert"] == "/run/secrets/ca.pem"
    assert "sslrootcert" not in parse_database_url("postgres://u:p@db/chat?sslmode=require")["OPTIONS"]


def test_a_system_without_roots_is_one_sentence(monkeypatch):
    nothing = ssl.DefaultVerifyPaths(None, None, "", "", "", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nothing)
    with pytest.raises(
        ImproperlyConfigured, match=r"^DATABASE_URL: this system has no file of certificate authorities"
    ):
        parse_database_url("postgres://u:p@db/chat?sslmode=verify-full")


@pytest.mark.parametrize(
    "url",
    [
        *("", "mysql://a/b", "db.sqlite3", "sqlite:db", "sqlite://db.sqlite3", "sqlite:///", "sqlite:///:memory:"),
        *("postgres://u:hunter2/w@h:5432/db", "postgres://u:hunter2@w@h/db", "postgres://u:hunter2%w@h/db"),
        *("postgres://u:hunter2 w@h/db", "postgres://h:port/db", "postgres://h:0/db", "postgres://h:65536/db"),
        *("postgres://u:hunter2@h", "postgres://u:hunter2@h/", "postgres://u:hunter2@h/db?sslmod=require"),
        *("postgres://u:hunter2@h/db?conn_max_age=0", "postgres://u:hunter2@h/db?sslmode", "postgres:/u:hunter2@h/db"),
    ],
)
def test_anything_else_is_one_sentence_that_keeps_the_password_to_itself(url):
    with pytest.raises(ImproperlyConfigured) as error:
        parse_database_url(url)
    sentence = str(error.value)
    assert sentence.startswith("DATABASE_URL: ")
    assert "expected" in sentence
    assert "hunter2" not in sentence
    assert "\n" not in sentence
