"""What the servers of a test have instead of the project's settings: the test's database and Redis, and its own values.

The test process writes them into one environment variable; channels_live.testing.settings, the settings module of the
servers, reads them from there.
"""

import importlib
import json
import os
from collections.abc import Mapping, MutableMapping
from typing import Any

from django.conf import ENVIRONMENT_VARIABLE
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

VARIABLE = "CHANNELS_LIVE_TESTING"
SETTINGS_MODULE = "channels_live.testing.settings"
IN_MEMORY_LAYER = "channels.layers.InMemoryChannelLayer"
OUR_LAYER = "channels_live.layers.ChannelLayer"
LOOPBACK = ["127.0.0.1", "localhost"]
# The drain of a test should not take the ten seconds of production.
LIVE_SETTINGS = {"DRAIN_DELAY": 0, "DRAIN_SECONDS": 0.5}


def database_names() -> dict[str, Any]:
    """Return the name of each database as this process has it, which under a test runner is the test's.

    Raises:
        ImproperlyConfigured: One is in the memory of this process.
    """
    from django.db import connections

    names: dict[str, Any] = {}
    for connection in connections.all():
        if connection.vendor == "sqlite" and connection.is_in_memory_db():  # type: ignore[attr-defined]
            raise ImproperlyConfigured(
                f"The test database {connection.alias!r} is in the memory of the test process, where no server can read"
                " it. Give it a file in the settings: DATABASES[…]['TEST'] = {'NAME': BASE_DIR / 'test.sqlite3'}."
            )
        names[connection.alias] = str(connection.settings_dict["NAME"])
    return names


def redis_layers(layers: Mapping[str, Mapping[str, Any]], redis_url: str) -> dict[str, dict[str, Any]]:
    """Return CHANNEL_LAYERS with the test's Redis.

    A layer in memory would join no two processes, so channels_live.layers.ChannelLayer takes its place.
    """
    hosts = redis_hosts(redis_url)
    replaced = {}
    for alias, layer in layers.items():
        backend, config = layer["BACKEND"], dict(layer.get("CONFIG", {}))
        if backend == IN_MEMORY_LAYER:
            backend, config = OUR_LAYER, {}
        replaced[alias] = {**layer, "BACKEND": backend, "CONFIG": {**config, "hosts": hosts}}
    return replaced


def redis_hosts(redis_url: str) -> list[Any]:
    """Return the item ``hosts`` of a channel layer for the address of a Redis."""
    # Not at the top: redis-py takes 0.2 s, and this module is imported in every run of pytest.
    from channels_live.conf import parse_redis_url

    return list(parse_redis_url(redis_url))


def encode(settings: Mapping[str, Any], redis_url: str, settings_module: str | None = None) -> dict[str, str]:
    """Return the environment variables of a server that a test starts.

    ``settings`` are the test's own, which JSON must be able to express; ``settings_module`` is the project's, if it is
    not that of this process.

    Raises ImproperlyConfigured where a server could not use the test's database, or there is no settings module.
    """
    # Not settings.SETTINGS_MODULE, which is None while a test overrides any setting.
    module = settings_module or os.environ.get(ENVIRONMENT_VARIABLE)
    if not module:
        raise ImproperlyConfigured(f"The servers need a settings module; name it in {ENVIRONMENT_VARIABLE}.")
    content = {
        "module": module,
        "databases": database_names(),
        "redis_url": redis_url,
        # As the test runner has it, which is False unless it is told otherwise.
        "settings": {"DEBUG": django_settings.DEBUG, **settings},
    }
    return {VARIABLE: json.dumps(content), ENVIRONMENT_VARIABLE: SETTINGS_MODULE}


def apply(module: MutableMapping[str, Any]) -> None:
    """Fill the namespace of a settings module with the project's settings and the test's overrides.

    Raises ImproperlyConfigured where a test has not set its databases up.
    """
    if VARIABLE not in os.environ:
        raise ImproperlyConfigured(f"{SETTINGS_MODULE} is for the servers that LiveStack starts.")
    given = json.loads(os.environ[VARIABLE])
    project = importlib.import_module(given["module"])
    module.update({name: getattr(project, name) for name in dir(project) if name.isupper()})
    module["ALLOWED_HOSTS"] = list(dict.fromkeys([*module.get("ALLOWED_HOSTS", []), *LOOPBACK]))
    _use_test_databases(module.get("DATABASES", {}), given["databases"])
    module["CHANNEL_LAYERS"] = redis_layers(module.get("CHANNEL_LAYERS", {}), given["redis_url"])
    if "REDIS_HOSTS" in module:
        module["REDIS_HOSTS"] = redis_hosts(given["redis_url"])
    live = {**module.get("CHANNELS_LIVE", {}), **LIVE_SETTINGS, **given["settings"].pop("CHANNELS_LIVE", {})}
    # Each server has its own port, by its environment.
    live.pop("BIND", None)
    module.update(given["settings"], CHANNELS_LIVE=live)


def _use_test_databases(databases: dict[str, dict[str, Any]], names: Mapping[str, str]) -> None:
    """Change the item of each database in place, so that all modules of settings that share it still agree."""
    for alias, database in databases.items():
        if names.get(alias) != str(database.get("NAME")):
            database["NAME"] = names[alias]
        elif alias == "default":
            raise ImproperlyConfigured(
                "The default database is the project's own and no test database: use the fixture live_stack, or start"
                " LiveStack where Django's test runner has set the test databases up."
            )
        # Any other that the tests do not use is not set up, and a server must not use the project's own.
        else:
            database.clear()
