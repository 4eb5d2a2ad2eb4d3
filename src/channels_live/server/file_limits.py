"""Open files: each socket is one, and a process may have only so many (RLIMIT_NOFILE)."""

import resource

from django.core.exceptions import ImproperlyConfigured

DEFAULT_MAX_SOCKETS = 15_000
# For Redis, the database, probes, and connections in their handshake or closing.
RESERVED_FILES = 500


def raise_file_limit() -> None:
    """Allow as many open files as the system allows; container engines start processes with 1,024 (containerd 2)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def sockets_that_fit(wanted: int | None) -> int:
    """Return how many sockets to take: those wanted, or by default as many as the open files allow, up to 15,000.

    Raises ImproperlyConfigured where more are wanted than the open files allow.
    """
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_unlimited = files == resource.RLIM_INFINITY
    room = max(DEFAULT_MAX_SOCKETS, wanted or 0) if is_unlimited else max(1, files - RESERVED_FILES)
    if wanted is None:
        return min(DEFAULT_MAX_SOCKETS, room)
    if wanted > room:
        raise ImproperlyConfigured(
            f"MAX_SOCKETS: {wanted} sockets need {wanted + RESERVED_FILES} open files, and {files} are allowed; "
            "allow more (ulimit -Hn, LimitNOFILE=, ulimits in compose), or set less."
        )
    return wanted
