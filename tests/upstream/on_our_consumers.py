"""A plugin for pytest that runs Channels' tests of its generic consumers on ours, under the same names.

With LAYER=redis, what they do with the in-memory layer goes through our channel layer and the Redis of REDIS_URL.
"""

import os

import channels.consumer
import channels.generic.http  # before the names are replaced: it has Channels' own AsyncConsumer
import channels.generic.websocket
import channels.layers
from django.conf import settings

# The settings that the suite's sample project has, as far as these tests need them.
settings.configure(
    SECRET_KEY="upstream",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "channels"],
    DATABASES={
        # In a file, as theirs, so that closing a connection does not end the database.
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": "unused",
            "TEST": {"NAME": os.path.join(os.environ["TMPDIR"], "test.sqlite3")},
        }
    },
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    CHANNELS_LIVE={"CHANNEL_PREFIX": "upstream"},
)

# Imported when the settings are there.
import channels_live.consumers  # noqa: E402
from channels_live.layers import ChannelLayer  # noqa: E402

for module in (channels.consumer, channels.generic.websocket):
    for name in channels_live.consumers.__all__:
        if hasattr(module, name):
            setattr(module, name, getattr(channels_live.consumers, name))


class LayerOfRedis(ChannelLayer):
    """Our layer, made as the tests make the in-memory layer."""

    def __init__(self) -> None:
        super().__init__(hosts=[os.environ["REDIS_URL"]])


if os.environ.get("LAYER") == "redis":
    channels.layers.InMemoryChannelLayer = LayerOfRedis
