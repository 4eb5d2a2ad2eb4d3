"""Health checks of both services: ``/livez`` and ``/readyz``.

``/livez``: the process runs and answers. ``/readyz``: it can do its work; the body names the dependencies that do not
answer. Kubernetes' liveness and readiness (https://kubernetes.io/docs/concepts/workloads/pods/probes/).
"""

import functools
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import redis
from channels import DEFAULT_CHANNEL_LAYER
from channels_redis.utils import decode_hosts
from django.conf import settings
from django.db import DatabaseError, connection
from redis.sentinel import Sentinel

from channels_live.conf import RedisHost
from channels_live.layers.prefix import channel_prefix

TIMEOUT_SECONDS = 2
READ_ONLY = "read-only"


def readiness(serves_without: Collection[str] = ()) -> tuple[int, dict[str, str]]:
    """Return an HTTP status and the body of ``/readyz``: ``status``, and per dependency ``ok`` or its error.

    200 and ``ok`` if all dependencies answer; 200 and ``degraded`` if only those fail that the service
    ``serves_without``; otherwise 503 and ``unavailable``. Blocks for at most a few times TIMEOUT_SECONDS.

    Without a database, or without hosts of the channel layer, the body does not name that dependency.

    A read-only database degrades both services: pages, history and delivery work, and new messages are refused for a
    retry. All processes use the same server, so 503 would take all of them out of service at once.
    """
    dependencies = {}
    if settings.DATABASES:
        dependencies["database"] = _state(_check_database)
    if hosts := _redis_hosts():
        dependencies["redis"] = _state(functools.partial(_check_redis, hosts))
    failing = {name for name, state in dependencies.items() if state not in ("ok", READ_ONLY)}
    if failing - set(serves_without):
        return 503, {"status": "unavailable", **dependencies}
    return 200, {
        "status": "ok" if all(state == "ok" for state in dependencies.values()) else "degraded",
        **dependencies,
    }


def _state(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as error:  # any failure is the result, none may abort the check
        return f"{type(error).__name__}: {error}".strip()


def _check_database() -> str:
    was_connected = connection.connection is not None
    try:
        is_read_only = _is_read_only()
    except Exception:
        # The next check must not use the broken connection again.
        connection.close()
        if not was_connected:
            raise
        # The server may have been restarted since the last check, so connect again.
        is_read_only = _is_read_only()
    if is_read_only and not connection.in_atomic_block:
        # After a failover the next connection may reach the new primary.
        connection.close()
    return READ_ONLY if is_read_only else "ok"


def _check_redis(hosts: Collection[dict[str, Any]]) -> str:
    try:
        channel = f"{channel_prefix()}readyz"
    except DatabaseError:
        channel = ""  # the prefix is derived from the database, whose own state reports the error
    for host in hosts:
        with _client(host) as client:
            client.ping()
            if channel:
                _check_channel(client, channel)
    return "ok"


def _redis_hosts() -> list[dict[str, Any]]:
    """Return the hosts of the channel layer, as its setting has them, unless the setting REDIS_HOSTS names them."""
    if hasattr(settings, "REDIS_HOSTS"):
        return list(settings.REDIS_HOSTS)
    layers: dict[str, dict[str, Any]] = getattr(settings, "CHANNEL_LAYERS", {})
    hosts = layers.get(DEFAULT_CHANNEL_LAYER, {}).get("CONFIG", {}).get("hosts")
    # For an empty list decode_hosts returns localhost.
    return list(decode_hosts(hosts)) if hosts else []


def _check_channel(client: redis.Redis, channel: str) -> None:
    """Raise if the user may not publish or subscribe, as with an ACL without channels."""
    client.publish(channel, "")
    with client.pubsub() as subscription:
        subscription.subscribe(channel)
        if subscription.get_message(timeout=TIMEOUT_SECONDS) is None:
            raise TimeoutError("Redis does not confirm a subscription.")


def _is_read_only() -> bool:
    return _is_read_only_postgres() if connection.vendor == "postgresql" else _is_read_only_sqlite()


def _is_read_only_postgres() -> bool:
    with connection.cursor() as cursor:
        # "on" also where the server is a standby.
        cursor.execute("SELECT current_setting('transaction_read_only')")
        return bool(cursor.fetchone() == ("on",))


def _is_read_only_sqlite() -> bool:
    with connection.cursor() as cursor:
        # Reads the file without writing, since a health check must not wait for the lock.
        cursor.execute("SELECT 1 FROM sqlite_master LIMIT 1")
    path = Path(connection.settings_dict["NAME"])
    # The write-ahead log is a second file in the same folder.
    return path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def _client(host: RedisHost) -> redis.Redis:
    timeouts = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    # The retry policy of the channel layer is for asyncio.
    options = {name: value for name, value in host.items() if name != "retry"} | timeouts
    if address := options.pop("address", None):
        return redis.Redis.from_url(address, **options)
    if "master_name" not in options:
        return redis.Redis(**options)
    sentinels, name = options.pop("sentinels"), options.pop("master_name")
    sentinel = Sentinel(sentinels, sentinel_kwargs=(options.pop("sentinel_kwargs", None) or {}) | timeouts)
    return sentinel.master_for(name, **options)
