"""A socket is an open file, of which a process may have only so many (RLIMIT_NOFILE)."""

import resource

from django.core.exceptions import ImproperlyConfigured

DEFAULT_SOCKETS = 15_000
# Redis, the database, probes, and connections in their handshake or on their way out.
OTHERS = 500


def raise_limit_of_open_files() -> None:
    """Allow as many sockets as the system allows; container engines start processes with 1,024 (containerd 2)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def sockets_that_fit(wanted: int | None) -> int:
    """Return how many sockets to take: those wanted, or by default as many as there is room for.

    Raises ImproperlyConfigured where more are wanted.
    """
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = max(1, files - OTHERS) if files != resource.RLIM_INFINITY else max(DEFAULT_SOCKETS, wanted or 0)
    if wanted is None:
        return min(DEFAULT_SOCKETS, room)
    if wanted > room:
        raise ImproperlyConfigured(
            f"MAX_SOCKETS: {wanted} sockets need {wanted + OTHERS} open files, and {files} are allowed; "
            "allow more (ulimit -Hn, LimitNOFILE=, ulimits in compose), or set less."
        )
    return wanted
