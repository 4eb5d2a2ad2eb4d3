"""``REDIS_URL``: one setting for a single Redis, several shards, TLS, and Sentinel."""

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from redis.asyncio.connection import ConnectionPool
from redis.exceptions import RedisError

from channels_live.conf.environment import split_items

RedisHost = dict[str, Any]
"""One of channels-redis's ``hosts``: ``address`` with options of redis-py, or ``sentinels`` and ``master_name``."""

EXPECTED = (
    "expected redis://host:6379/0, rediss://…, unix://…, several of them separated by commas, "
    "or sentinel://host:26379,host:26379/primary-name"
)
ESCAPES = "write / as %2F, # as %23, ? as %3F, @ as %40, % as %25 and , as %2C in the password"
# redis-py accepts them, but the channel layer's messages are bytes: with one of them no message arrives.
TEXT_OPTIONS = {"decode_responses", "encoding", "encoding_errors"}
SENTINEL_OPTIONS = ("db", "ssl", "ssl_ca_certs", "ssl_cert_reqs", "sentinel_username", "sentinel_password")


def parse_redis_url(value: str) -> list[RedisHost]:
    """Return ``REDIS_URL`` as the ``hosts`` of channels-redis.

    ``redis://``, ``rediss://`` and ``unix://`` addresses separated by commas are shards: every group
    lives on exactly one of them. Their options are those of redis-py.

    ``sentinel://user:password@host:26379,host:26379/primary-name?db=0`` follows the primary that the sentinels name.
    User and password are the primary's; the sentinels' own are ``sentinel_username`` and ``sentinel_password``.
    ``ssl=true`` encrypts the connections to both.

    Raises ImproperlyConfigured with one sentence, which contains no password, for anything else.
    """
    if value.startswith("sentinel://"):
        return [_sentinel(value)]
    # An empty item is invalid, since it may be a shard that was forgotten.
    return [_single(address) for address in re.split(r"\s*,\s*|\s+", value.strip())]


def address_without_password(host: RedisHost) -> str:
    """Return the address of a host of ``parse_redis_url``, for logs."""
    if "address" not in host:
        sentinels = ",".join(f"{name}:{port}" for name, port in host["sentinels"])
        return f"sentinel://{sentinels}/{host['master_name']}"
    scheme, separator, rest = host["address"].partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2].partition('?')[0]}"


def _single(address: str) -> RedisHost:
    if not address.startswith(("redis://", "rediss://", "unix://")):
        # The text before a scheme may be half a password, so it is not quoted.
        raise _refusal(f"an address has no scheme; {EXPECTED}; {ESCAPES}")
    try:
        parts = urlsplit(address)
        port, database = parts.port, parts.path.strip("/")
    except ValueError:
        raise _refusal(f"host or port cannot be read; {EXPECTED}; {ESCAPES}") from None
    if parts.fragment or "@" in parts.path + parts.query or not (parts.netloc or parts.path):
        raise _refusal(f"the address cannot be read; {EXPECTED}; {ESCAPES}")
    if parts.scheme != "unix" and (port == 0 or not (database == "" or database.isdecimal())):
        raise _refusal(f"port or database is not a number; {EXPECTED}")
    given = list(parse_qs(parts.query, keep_blank_values=True))
    if text_options := TEXT_OPTIONS.intersection(given):
        raise _refusal(f"the option {text_options.pop()!r} is for text, and messages are bytes; remove it")
    try:
        # redis-py itself validates the address; this does not connect.
        ConnectionPool.from_url(address).make_connection()
    except (AttributeError, TypeError, ValueError, RedisError) as error:
        # The message names the option in most cases: "unexpected keyword argument 'foo'", "Invalid value for 'db'".
        options = [name for name in given if f"'{name}'" in str(error)] or given
        raise _refusal(f"the option {' or '.join(map(repr, options))} is unknown, or has an invalid value") from None
    return {"address": address}


def _sentinel(value: str) -> RedisHost:
    # Not by urlsplit: from Python 3.14 on it refuses several hosts where one is an IPv6 address.
    location, _, query = value.removeprefix("sentinel://").partition("?")
    netloc, _, path = location.partition("/")
    credentials, _, addresses = netloc.rpartition("@")
    primary = path.strip("/")
    sentinels = []
    for address in split_items(addresses) or [""]:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise _refusal(f"a sentinel is not host:port; {EXPECTED}; {ESCAPES}")
        sentinels.append((host.strip("[]"), int(port)))
    if not primary or "@" in path + query or "#" in value:
        raise _refusal(f"the primary's name is missing, or cannot be read; {EXPECTED}; {ESCAPES}")
    result: RedisHost = {"sentinels": sentinels, "master_name": primary}
    username, _, password = credentials.partition(":")
    if username:
        result["username"] = unquote(username)
    if password:
        result["password"] = unquote(password)
    return result | _sentinel_options(query)


def _sentinel_options(query: str) -> RedisHost:
    options = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    if unknown := [name for name in options if name not in SENTINEL_OPTIONS]:
        raise _refusal(f"the option {unknown[0]!r} is unknown; expected {', '.join(SENTINEL_OPTIONS)}")
    database = options.get("db", "0")
    if not database.isdecimal():
        raise _refusal(f"db={database!r} is not a number; {EXPECTED}")
    if options.get("ssl", "false") not in {"true", "false"}:
        raise _refusal("ssl: expected true or false")
    if options.get("ssl_cert_reqs", "required") not in {"required", "none"}:
        raise _refusal("ssl_cert_reqs: expected required or none")
    tls: RedisHost = {"ssl": True} if options.get("ssl") == "true" else {}
    tls_options: RedisHost = {name: options[name] for name in ("ssl_ca_certs", "ssl_cert_reqs") if name in options}
    if tls_options and not tls:
        raise _refusal(f"{next(iter(tls_options))} has no effect without ssl=true")
    own = {name: options[f"sentinel_{name}"] for name in ("username", "password") if f"sentinel_{name}" in options}
    return {"db": int(database), **tls, **tls_options, "sentinel_kwargs": {**own, **tls, **tls_options}}


def _refusal(reason: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"REDIS_URL: {reason}.")
