"""Origins of web pages (RFC 6454): scheme, host and port.

Pages inside native apps and browser extensions have schemes of their own: ``capacitor://localhost``,
``chrome-extension://ID``.
"""

import re

from django.core.exceptions import ImproperlyConfigured

DEFAULT_PORTS = {"http": "80", "https": "443"}
# A scheme as in RFC 3986, except those that no page's origin has. A host is in ASCII, as browsers send it: xn--… for
# any other script.
ORIGIN = re.compile(
    r"(?!(?:wss?|ftp|file|data|blob|about|javascript):)([a-z][a-z0-9+.-]*)://"
    r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?"
)


def normalized_origin(value: str) -> str | None:
    """Return an origin in lower case and without its scheme's default port; None where the value is not an origin."""
    found = ORIGIN.fullmatch(value.lower()) if value.isascii() else None
    if found is None:
        return None
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" if port in {None, DEFAULT_PORTS.get(scheme)} else f"{scheme}://{host}:{port}"


def parse_origins(name: str, values: list[str]) -> list[str]:
    """Return the origins of the setting ``name``, normalized.

    Raises ImproperlyConfigured with one sentence for the first value that is not an origin.
    """
    origins = [(value, normalized_origin(value)) for value in values]
    if invalid := [value for value, origin in origins if origin is None]:
        raise ImproperlyConfigured(
            f"{name}: expected scheme://host or scheme://host:port, such as https://app.example.com, "
            f"got {invalid[0]!r}."
        )
    return [origin for _, origin in origins if origin is not None]
