"""``BIND``: the address and port on which a service listens."""

import re
import socket

from django.core.exceptions import ImproperlyConfigured

# Addresses only: Gunicorn would resolve a name, Daphne would not.
ADDRESS = re.compile(r"(\*|[0-9.]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")


def listen_address(value: str) -> str:
    """Return ``host:port``, with the host ``*`` replaced by the wildcard address.

    The wildcard is ``[::]``, whose socket accepts IPv4 too, and ``0.0.0.0`` where the kernel has no IPv6. In a cluster
    with IPv6 alone no pod could be reached at ``0.0.0.0``.
    """
    host, _, port = value.rpartition(":")
    if host != "*":
        return value
    return f"[::]:{port}" if socket.has_dualstack_ipv6() else f"0.0.0.0:{port}"


def parse_bind(name: str, value: str) -> str:
    """Return the ``listen_address`` of the setting ``name``.

    Raises ImproperlyConfigured with one sentence where the value is not an address and a port.
    """
    if not ADDRESS.fullmatch(value) or int(value.rpartition(":")[2]) > 65535:
        raise ImproperlyConfigured(
            f"{name}: expected an address and a port, such as 127.0.0.1:8000, [::1]:8000 or *:8000, got {value!r}."
        )
    return listen_address(value)
