"""Settings that list hosts, which nginx and Django must parse alike."""

import re
from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured

from channels_live.conf.origins import normalized_origin

# deploy/nginx/directives.sh accepts the same.
HOST = re.compile(r"\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)


def parse_hosts(name: str, values: Iterable[str]) -> list[str]:
    """Return the hosts of a setting in lower case: names, addresses, ``.example.com`` with its subdomains, or ``*``.

    Raises ImproperlyConfigured with one sentence for anything else, such as a scheme, a port or ``*.example.com``.
    """
    hosts = [value.lower() for value in values]
    for host in hosts:
        if not HOST.fullmatch(host):
            raise ImproperlyConfigured(
                f"{name}: expected host names without scheme and port, such as chat.example.com, .example.com or *, "
                f"separated by commas, got {host!r}."
            )
    return hosts


def parse_form_origins(name: str, values: Iterable[str]) -> list[str]:
    """Return the origins of CSRF_TRUSTED_ORIGINS as browsers send them; ``https://*.example.com`` is every subdomain.

    Raises ImproperlyConfigured with one sentence for anything that is not an origin.
    """
    origins = []
    for value in values:
        scheme, wildcard, rest = value.partition("://*.")
        origin = normalized_origin(f"{scheme}://{rest}" if wildcard else value)
        if origin is None:
            raise ImproperlyConfigured(
                f"{name}: expected scheme://host or scheme://host:port, such as https://www.example.com, "
                f"or https://*.example.com, got {value!r}."
            )
        origins.append(origin.replace("://", "://*.", 1) if wildcard else origin)
    return origins
