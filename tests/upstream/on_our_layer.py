"""A plugin for pytest that runs the tests of channels-redis' pub/sub layer on ours, with the Redis of REDIS_URL."""

import asyncio
import os
import sys

import channels_redis.pubsub
import pytest
from django.conf import settings
from django.utils.module_loading import import_string

# The suite takes ``timeout`` from a package that older Pythons need; asyncio's is the same.
sys.modules["async_timeout"] = asyncio
channels_redis.pubsub.RedisPubSubChannelLayer = import_string(settings.CHANNEL_LAYERS["default"]["BACKEND"])


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    sentinel, port = os.environ["SENTINEL"].split(":")
    for module in {item.module for item in items}:
        if hasattr(module, "SENTINEL_MASTER"):
            module.TEST_HOSTS[0]["sentinels"] = [(sentinel, int(port))]
        else:
            module.TEST_HOSTS[:] = [os.environ["REDIS_URL"]]
