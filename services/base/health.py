"""What ``/livez`` and ``/readyz`` say, in both services.

``/livez``: the process runs and answers. ``/readyz``: it can do its work; the body names the parts that do
not answer. The meaning is Kubernetes' (https://kubernetes.io/docs/concepts/workloads/pods/probes/).
"""

from collections.abc import Callable, Collection

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from redis.sentinel import Sentinel

from base.channel_prefix import channel_prefix
from base.redis_url import Host

TIMEOUT_SECONDS = 2


def readiness(serves_without: Collection[str] = ()) -> tuple[int, dict[str, str]]:
    """Return an HTTP status and the body of ``/readyz``: ``status``, and per part ``ok`` or what is wrong.

    200 and ``ok`` where all parts answer; 200 and ``degraded`` where only those are missing that the service
    ``serves_without``; else 503 and ``unavailable``. Blocks for at most a few times TIMEOUT_SECONDS.
    """
    parts = {"database": _state(_check_database), "redis": _state(_check_redis)}
    missing = {name for name, state in parts.items() if state != "ok"}
    if missing - set(serves_without):
        return 503, {"status": "unavailable", **parts}
    return 200, {"status": "degraded" if missing else "ok", **parts}


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:  # any failure is the answer, none may end the probe
        return f"{type(error).__name__}: {error}".strip()
    return "ok"


def _check_database() -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        # The next probe must not meet the broken connection again.
        connection.close()
        raise


def _check_redis() -> None:
    try:
        channel = f"{channel_prefix()}readyz"
    except DatabaseError:
        channel = ""  # which channels there are, only the database knows; its own state says that it does not answer
    for host in settings.REDIS_HOSTS:
        with _client(host) as client:
            client.ping()
            if channel:
                _check_channel(client, channel)


def _check_channel(client: redis.Redis, channel: str) -> None:
    """Raise where the user may not publish, or not subscribe, as an ACL without channels does."""
    client.publish(channel, "")
    with client.pubsub() as subscription:
        subscription.subscribe(channel)
        if subscription.get_message(timeout=TIMEOUT_SECONDS) is None:
            raise TimeoutError("Redis does not confirm a subscription.")


def _client(host: Host) -> redis.Redis:
    timeouts = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    if "address" in host:
        return redis.Redis.from_url(host["address"], **timeouts)
    options = {
        name: value for name, value in host.items() if name not in {"sentinels", "master_name", "sentinel_kwargs"}
    }
    sentinel = Sentinel(host["sentinels"], sentinel_kwargs=host["sentinel_kwargs"] | timeouts)
    return sentinel.master_for(host["master_name"], **options, **timeouts)
