"""On which addresses a service listens."""

import re
import socket

from django.core.exceptions import ImproperlyConfigured

# Addresses only: web would look a name up, ws would not.
ADDRESS = re.compile(r"(\*|[0-9.]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}")


def listen_address(value: str) -> str:
    """Return ``host:port``; for the host ``*`` with the address that stands for all of the machine's.

    It is that of IPv6, whose socket takes IPv4 too, but for a kernel without IPv6. In a cluster of IPv6 alone no pod
    could be reached at ``0.0.0.0``.
    """
    host, _, port = value.rpartition(":")
    if host != "*":
        return value
    return f"[::]:{port}" if socket.has_dualstack_ipv6() else f"0.0.0.0:{port}"


def parse_bind(name: str, value: str) -> str:
    """Return the ``listen_address`` of a setting; raises ImproperlyConfigured with one sentence for anything else."""
    if not ADDRESS.fullmatch(value) or int(value.rpartition(":")[2]) > 65535:
        raise ImproperlyConfigured(
            f"{name}: expected an address and a port, such as 127.0.0.1:8000, [::1]:8000 or *:8000, not {value!r}."
        )
    return listen_address(value)
