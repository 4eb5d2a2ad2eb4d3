"""Origins of web pages (RFC 6454): scheme, host and port, and nothing else.

Pages inside of native apps and of browser extensions have schemes of their own: ``capacitor://localhost``,
``chrome-extension://ID``.
"""

import re

from django.core.exceptions import ImproperlyConfigured

DEFAULT_PORTS = {"http": "80", "https": "443"}
# A scheme as in RFC 3986, but for those that no page has for its origin. A host is in ASCII, as browsers send it: xn--…
# for any other script.
ORIGIN = re.compile(
    r"(?!(?:wss?|ftp|file|data|blob|about|javascript):)([a-z][a-z0-9+.-]*)://"
    r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?"
)


def normalized_origin(value: str) -> str | None:
    """Return an origin in lower case and without its scheme's default port; None for what is no origin."""
    found = ORIGIN.fullmatch(value.lower()) if value.isascii() else None
    if found is None:
        return None
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" if port in {None, DEFAULT_PORTS.get(scheme)} else f"{scheme}://{host}:{port}"


def parse_origins(name: str, values: list[str]) -> list[str]:
    """Return the origins of a setting, normalized; raises ImproperlyConfigured with one sentence."""
    origins = [(value, normalized_origin(value)) for value in values]
    if wrong := [value for value, origin in origins if origin is None]:
        raise ImproperlyConfigured(
            f"{name}: expected scheme://host or scheme://host:port, such as https://app.example.com, got {wrong[0]!r}."
        )
    return [origin for _, origin in origins if origin is not None]
