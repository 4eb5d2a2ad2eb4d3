"""``DATABASE_URL``: SQLite for the run without Docker, PostgreSQL everywhere else."""

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


def database(url: str) -> dict[str, Any]:
    """Turn ``sqlite:///path`` or ``postgres://user:password@host:5432/name`` into Django's settings.

    Raises ImproperlyConfigured with one sentence for any other scheme.
    """
    scheme = url.partition("://")[0]
    if scheme not in {"sqlite", "postgres", "postgresql"}:
        raise ImproperlyConfigured(
            f"DATABASE_URL: {scheme!r} is not supported; expected sqlite:///path or postgres://user:password@host/name."
        )
    if scheme == "sqlite":
        return dict(dj_database_url.parse(url)) | {"OPTIONS": SQLITE_OPTIONS}
    # Health checks remake a connection that died with a restarted server.
    settings: dict[str, Any] = {**dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True)}
    # What the address itself says wins, such as ?connect_timeout=10.
    return settings | {"OPTIONS": POSTGRES_OPTIONS | settings.get("OPTIONS", {})}
