"""What ``/livez`` and ``/readyz`` say, in both services.

``/livez``: the process runs and answers. ``/readyz``: it can do its work; the body names the parts that do
not answer. The meaning is Kubernetes' (https://kubernetes.io/docs/concepts/workloads/pods/probes/).
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
    """Return an HTTP status and the body of ``/readyz``: ``status``, and per part ``ok`` or what is wrong.

    200 and ``ok`` where all parts answer; 200 and ``degraded`` where only those are missing that the service
    ``serves_without``; else 503 and ``unavailable``. Blocks for at most a few times TIMEOUT_SECONDS.

    A project without a database, or whose channel layer has no hosts, has no such part.

    A database that is read-only degrades both services: pages, history and delivery go on, and what cannot be stored
    is refused for a retry. All processes meet the same server, so 503 would take every one of them out at once.
    """
    parts = {}
    if settings.DATABASES:
        parts["database"] = _state(_check_database)
    if hosts := _redis_hosts():
        parts["redis"] = _state(functools.partial(_check_redis, hosts))
    missing = {name for name, state in parts.items() if state not in ("ok", READ_ONLY)}
    if missing - set(serves_without):
        return 503, {"status": "unavailable", **parts}
    return 200, {"status": "ok" if all(state == "ok" for state in parts.values()) else "degraded", **parts}


def _state(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as error:  # any failure is the answer, none may end the probe
        return f"{type(error).__name__}: {error}".strip()


def _check_database() -> str:
    was_connected = connection.connection is not None
    try:
        is_read_only = _is_read_only()
    except Exception:
        # The next probe must not meet the broken connection again.
        connection.close()
        if not was_connected:
            raise
        # The server was restarted since the last probe; that it is back is what counts.
        is_read_only = _is_read_only()
    if is_read_only and not connection.in_atomic_block:
        # After a failover the next connection may lead to the new primary.
        connection.close()
    return READ_ONLY if is_read_only else "ok"


def _check_redis(hosts: Collection[dict[str, Any]]) -> str:
    try:
        channel = f"{channel_prefix()}readyz"
    except DatabaseError:
        channel = ""  # which channels there are, only the database knows; its own state says that it does not answer
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
    # Without any, decode_hosts names the one of this machine.
    return list(decode_hosts(hosts)) if hosts else []


def _check_channel(client: redis.Redis, channel: str) -> None:
    """Raise where the user may not publish, or not subscribe, as an ACL without channels does."""
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
        # Reads the file. Nothing is written: a probe must not wait for the lock.
        cursor.execute("SELECT 1 FROM sqlite_master LIMIT 1")
    path = Path(connection.settings_dict["NAME"])
    # The write-ahead log is a second file in the same folder.
    return path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def _client(host: RedisHost) -> redis.Redis:
    timeouts = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    # The channel layer's own way to retry is asyncio's.
    options = {name: value for name, value in host.items() if name != "retry"} | timeouts
    if address := options.pop("address", None):
        return redis.Redis.from_url(address, **options)
    if "master_name" not in options:
        return redis.Redis(**options)
    sentinels, name = options.pop("sentinels"), options.pop("master_name")
    sentinel = Sentinel(sentinels, sentinel_kwargs=(options.pop("sentinel_kwargs", None) or {}) | timeouts)
    return sentinel.master_for(name, **options)
