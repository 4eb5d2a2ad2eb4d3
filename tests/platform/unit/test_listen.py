"""Where a service listens."""

import socket

import pytest

from channels_live.conf.bind import listen_address


@pytest.mark.parametrize(
    ("value", "with_ipv6", "without"),
    [
        ("*:8000", "[::]:8000", "0.0.0.0:8000"),
        ("127.0.0.1:8000", "127.0.0.1:8000", "127.0.0.1:8000"),
        ("[::1]:8000", "[::1]:8000", "[::1]:8000"),
    ],
)
def test_every_address_is_what_the_kernel_has(monkeypatch, value, with_ipv6, without):
    for has_ipv6, expected in ((True, with_ipv6), (False, without)):
        monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda answer=has_ipv6: answer)
        assert listen_address(value) == expected
