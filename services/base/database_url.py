"""``DATABASE_URL``: SQLite for the run without Docker, PostgreSQL everywhere else."""

import re
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

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

# Several hosts, with or without ports. An address of IPv6 has no place among them.
HOSTS = re.compile(r"(?P<before>\w+://(?:[^/?#]*@)?)(?P<hosts>[^/?#@\[\],]+(?:,[^/?#@\[\],]+)+)(?=[/?#]|$)")


def database(url: str) -> dict[str, Any]:
    """Turn ``sqlite:///path`` or ``postgres://user:password@host:5432/name`` into Django's settings.

    PostgreSQL may have several hosts, ``host1:5432,host2:5432``: the one that takes writes is used, as long as the
    address names no other ``target_session_attrs``
    (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS).

    Raises ImproperlyConfigured with one sentence for anything else.
    """
    scheme = url.partition("://")[0]
    if scheme not in {"sqlite", "postgres", "postgresql"}:
        raise ImproperlyConfigured(
            f"DATABASE_URL: {scheme!r} is not supported; expected sqlite:///path or postgres://user:password@host/name."
        )
    if scheme == "sqlite":
        return dict(dj_database_url.parse(url)) | {"OPTIONS": SQLITE_OPTIONS}
    # Health checks remake a connection that died with a restarted server.
    first, hosts = _split_hosts(url)
    try:
        settings: dict[str, Any] = {**dj_database_url.parse(first, conn_max_age=60, conn_health_checks=True)}
    except ValueError:
        raise ImproperlyConfigured(
            "DATABASE_URL: not an address; expected postgres://user:password@host:5432/name, with / ? # [ ] and @ in "
            "the password as %2F %3F %23 %5B %5D and %40."
        ) from None
    defaults: dict[str, int | str] = {**POSTGRES_OPTIONS}
    if hosts:
        settings |= hosts
        # Else the first host that answers, which after a failover is the standby.
        defaults["target_session_attrs"] = "read-write"
    # What the address itself says wins, such as ?connect_timeout=10.
    return settings | {"OPTIONS": defaults | settings.get("OPTIONS", {})}


def _split_hosts(url: str) -> tuple[str, dict[str, str]]:
    """Return the address with its first host only, and HOST and PORT of all as libpq wants them; {} for one host."""
    match = HOSTS.match(url)
    if match is None:
        return url, {}
    hosts = [host.rpartition(":") if ":" in host else (host, "", "5432") for host in match["hosts"].split(",")]
    joined = {"HOST": ",".join(host for host, _, _ in hosts), "PORT": ",".join(port for _, _, port in hosts)}
    return match["before"] + hosts[0][0] + url[match.end() :], joined
