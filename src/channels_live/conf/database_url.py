"""``DATABASE_URL``: the address of an SQLite or PostgreSQL database, as Django's DATABASES has it."""

import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from django.core.exceptions import ImproperlyConfigured

EXPECTED = "expected sqlite:///path or postgres://user:password@host:5432/name"
SQLITE = "sqlite:///"
SQLITE_OPTIONS = {
    # Take the write lock at BEGIN, so that two processes wait for each other instead of one failing.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # Readers and the writer do not block each other; NORMAL is safe against a crash of the process. A checkpoint holds
    # up one commit for 15 ms and more; with the default of 1,000 pages that is one of some 200.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=10000;",
}

POSTGRES_OPTIONS = {
    # Seconds; tcp_user_timeout in milliseconds. Without them a server that vanished, rather than closed its
    # connections, holds a thread for minutes.
    "connect_timeout": 3,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
# libpq's names and Django's. Several hosts stay one text, which libpq splits.
NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
# A name or address, an IPv6 address without its brackets, or the folder of a Unix socket; several after one another.
HOSTS = re.compile(r"[A-Za-z0-9_.:-]+(,[A-Za-z0-9_.:-]+)*|/[^@]*")


def parse_database_url(url: str) -> dict[str, Any]:
    """Return ``sqlite:///path`` or ``postgres://user:password@host:5432/name?option=value`` as an item of DATABASES.

    The options are those of libpq. Several hosts are separated by commas; the one that accepts writes is used, unless
    ``target_session_attrs`` says otherwise
    (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS).

    Raises ImproperlyConfigured with one sentence, which contains no password, for anything else.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"sqlite", "postgres", "postgresql"}:
        shown = scheme if separator else "an address without ://"
        raise ImproperlyConfigured(f"DATABASE_URL: {shown!r} is not supported; {EXPECTED}.")
    if scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": _sqlite_path(url), "OPTIONS": SQLITE_OPTIONS}
    parameters = _postgres_parameters(rest)
    settings = {django: parameters.pop(libpq, "") for libpq, django in NAMES.items()}
    if not settings["NAME"] and "service" not in parameters:
        raise ImproperlyConfigured(f"DATABASE_URL: the name of the database is missing; {EXPECTED}.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        **settings,
        # Health checks reconnect after a restart of the server.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # Options in the address take precedence, such as ?connect_timeout=10.
        "OPTIONS": POSTGRES_OPTIONS | parameters,
    }


def _sqlite_path(url: str) -> str:
    path = unquote(url.removeprefix(SQLITE))
    if not url.startswith(SQLITE) or not path or ":memory:" in path:
        raise ImproperlyConfigured(
            "DATABASE_URL: expected a file that all processes share, sqlite:////absolute/path or sqlite:///relative/path."
        )
    return path


def _postgres_parameters(address: str) -> dict[str, Any]:
    """Return the address as libpq, which will connect, parses it; raises ImproperlyConfigured as its caller does."""
    # Not imported where SQLite is used.
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    _refuse_unknown_options(address)
    try:
        parameters: dict[str, Any] = conninfo_to_dict(f"postgresql://{address}")
    except psycopg.Error as error:
        # libpq's message quotes the address, including the password.
        raise ImproperlyConfigured(f"DATABASE_URL: {_malformed()}") from error
    ports = str(parameters.get("port", ""))
    hosts = str(parameters.get("host", ""))
    if (
        re.search("[@?#]", str(parameters.get("dbname", "")))
        or (hosts and not HOSTS.fullmatch(hosts))
        or not all(port == "" or (port.isdecimal() and 0 < int(port) < 65536) for port in ports.split(","))
    ):
        raise ImproperlyConfigured(f"DATABASE_URL: {_malformed()}")
    if not ports.strip(","):
        parameters.pop("port", None)
    if "," in hosts:
        # Otherwise libpq takes the first host that answers, which after a failover is the standby.
        parameters.setdefault("target_session_attrs", "read-write")
    return parameters | _trusted_roots(parameters)


def _refuse_unknown_options(address: str) -> None:
    from psycopg.pq import Conninfo

    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    _, separator, query = address.rpartition("?")
    # A ? in a password does not begin the query.
    if not separator or "@" in query:
        return
    for option in query.split("&"):
        name = option.partition("=")[0]
        if name not in known:
            raise ImproperlyConfigured(
                f"DATABASE_URL: the option {name!r} is unknown; expected those of libpq, such as sslmode=verify-full."
            )


def _malformed() -> str:
    return (
        f"the address cannot be read; {EXPECTED}. In user and password write / as %2F, @ as %40, % as %25 and a blank "
        "as %20."
    )


def _trusted_roots(parameters: dict[str, Any]) -> dict[str, str]:
    """Return ``sslrootcert``, the file of the system's certificate authorities, where the server has to be verified.

    psycopg's wheel contains an OpenSSL that looks for them in a folder that no system has.

    Raises ImproperlyConfigured where Python finds no such file either.
    """
    given = parameters.get("sslrootcert", "system")
    if given != "system" or not str(parameters.get("sslmode", "")).startswith("verify-"):
        return {}
    paths = ssl.get_default_verify_paths()
    # Debian and Alpine keep the file of all of them in the folder of each of them.
    files = [paths.cafile, f"{paths.capath}/ca-certificates.crt"]
    file = next((file for file in files if file and Path(file).is_file()), None)
    if file is None:
        raise ImproperlyConfigured(
            "DATABASE_URL: this system has no file of certificate authorities; install ca-certificates, "
            "or name one with &sslrootcert=/path/to/ca.pem."
        )
    return {"sslrootcert": file}
