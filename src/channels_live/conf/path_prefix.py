"""``PATH_PREFIX``: the path under which the site is served."""

import re

from django.core.exceptions import ImproperlyConfigured

# deploy/nginx/directives.sh accepts the same.
PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def parse_path_prefix(name: str, value: str) -> str:
    """Return the path without a trailing slash; empty for the root of the host.

    Raises ImproperlyConfigured with one sentence where the value is not such a path.
    """
    prefix = value.removesuffix("/")
    if not PREFIX.fullmatch(prefix):
        raise ImproperlyConfigured(
            f"{name}: expected a path such as /team, of letters, digits and ._~-, got {value!r}."
        )
    return prefix
