"""Request headers that many clients send alike are kept once: a consumer keeps its scope for its whole life."""

import functools

# Different for each client, or secret.
OWN = frozenset({b"authorization", b"cookie", b"sec-websocket-key", b"x-forwarded-for", b"x-request-id"})
# Headers that are kept, and the longest of them.
MOST, MOST_BYTES = 1024, 512

Header = tuple[bytes, bytes]


def share_headers(headers: list[Header]) -> list[Header]:
    """Return equal headers, of which those that others have too are the same objects."""
    return [
        _shared((name, value)) if name not in OWN and len(value) < MOST_BYTES else (_name(name), value)
        for name, value in headers
    ]


@functools.lru_cache(MOST)
def _shared(header: Header) -> Header:
    return header


@functools.lru_cache(MOST)
def _name(name: bytes) -> bytes:
    return name
