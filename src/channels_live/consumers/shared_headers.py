"""Request headers that many clients send alike are kept once: a consumer keeps its scope for its whole life."""

import functools

# None of them holds a secret, or differs from client to client.
ALIKE = frozenset(
    {
        *(b"accept", b"accept-encoding", b"accept-language", b"cache-control", b"connection", b"host", b"origin"),
        *(b"pragma", b"sec-fetch-dest", b"sec-fetch-mode", b"sec-fetch-site", b"sec-websocket-extensions"),
        *(b"sec-websocket-version", b"upgrade", b"user-agent"),
        *(b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-prefix", b"x-forwarded-proto"),
    }
)
# Of no use once the handshake is answered (RFC 6455, section 4.2.2).
DROPPED = b"sec-websocket-key"
# Headers, and names of headers, that are kept.
MOST = 512

Header = tuple[bytes, bytes]


def share_headers(headers: list[Header]) -> list[Header]:
    """Return the headers of a handshake that is answered; those that others have too are the same objects."""
    return [
        _header((name, value)) if name in ALIKE else (_name(name), value) for name, value in headers if name != DROPPED
    ]


@functools.lru_cache(MOST)
def _header(header: Header) -> Header:
    return header


@functools.lru_cache(MOST)
def _name(name: bytes) -> bytes:
    return name
