"""``REDIS_URL``: one setting for a single Redis, several shards, TLS, and Sentinel."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

Host = dict[str, Any]

EXPECTED = (
    "expected redis://host:6379/0, rediss://…, unix://…, several of them separated by commas, "
    "or sentinel://host:26379,host:26379/primary-name"
)


def parse_redis_url(value: str) -> list[Host]:
    """Turn ``REDIS_URL`` into the ``hosts`` of channels-redis.

    ``redis://``, ``rediss://`` and ``unix://`` addresses separated by commas are shards: every group
    lives on exactly one of them. ``sentinel://:password@host:26379,host:26379/primary-name?db=0``
    follows the primary that the sentinels name; the password is the primary's.

    Raises ImproperlyConfigured with one sentence for anything else.
    """
    if value.startswith("sentinel://"):
        return [_sentinel(value)]
    hosts = []
    for address in value.split(","):
        address = address.strip()
        parts = urlsplit(address)
        if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.netloc or parts.path):
            raise ImproperlyConfigured(f"REDIS_URL: {_without_password(address)!r} is not an address; {EXPECTED}.")
        hosts.append({"address": address})
    return hosts


def _sentinel(value: str) -> Host:
    # Not by urlsplit: from Python 3.14 on it refuses several hosts where one is an IPv6 address.
    location, _, query = value.removeprefix("sentinel://").partition("?")
    netloc, _, path = location.partition("/")
    credentials, _, addresses = netloc.rpartition("@")
    primary = path.strip("/")
    sentinels = []
    for address in addresses.split(","):
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise ImproperlyConfigured(f"REDIS_URL: {address!r} is not host:port; {EXPECTED}.")
        sentinels.append((host.strip("[]"), int(port)))
    if not primary:
        raise ImproperlyConfigured(f"REDIS_URL: the primary's name is missing; {EXPECTED}.")
    result: Host = {"sentinels": sentinels, "master_name": primary}
    username, _, password = credentials.partition(":")
    if username:
        result["username"] = unquote(username)
    if password:
        result["password"] = unquote(password)
    database = parse_qs(query).get("db", ["0"])[0]
    if not database.isdecimal():
        raise ImproperlyConfigured(f"REDIS_URL: db={database!r} is not a number; {EXPECTED}.")
    result["db"] = int(database)
    return result


def _without_password(address: str) -> str:
    scheme, separator, rest = address.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
