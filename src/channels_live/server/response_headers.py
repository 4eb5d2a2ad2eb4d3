"""Headers that an application gives with the response to a handshake."""

from collections.abc import Collection, Iterable

from daphne.utils import HEADER_NAME_RE

# They would end a header, or the head of the response.
FORBIDDEN_BYTES = frozenset(b"\0\r\n")


def text_headers(headers: Iterable[tuple[bytes, bytes]], reserved: Collection[str] = ()) -> list[tuple[str, str]]:
    """Return the headers of an ASGI message as autobahn takes them.

    Raises ValueError for what is no header of HTTP, for a value that is not UTF-8, and for a name of ``reserved``,
    lower-case names of headers that the server itself writes.
    """
    found = []
    for name, value in headers:
        if not HEADER_NAME_RE.fullmatch(name) or FORBIDDEN_BYTES.intersection(value):
            # Not the value, which can hold a secret.
            raise ValueError(f"The header {name!r} is not valid in HTTP.")
        if (text := name.decode("ascii")).lower() in reserved:
            raise ValueError(f"The server itself writes the header {text}.")
        found.append((text, value.decode()))
    return found
