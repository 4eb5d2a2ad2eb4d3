"""On which addresses a service listens."""

import socket


def listen_address(value: str) -> str:
    """Return ``host:port``; for the host ``*`` with the address that stands for all of the machine's.

    It is that of IPv6, whose socket takes IPv4 too, but for a kernel without IPv6. In a cluster of IPv6 alone no pod
    could be reached at ``0.0.0.0``.
    """
    host, _, port = value.rpartition(":")
    if host != "*":
        return value
    return f"[::]:{port}" if socket.has_dualstack_ipv6() else f"0.0.0.0:{port}"
