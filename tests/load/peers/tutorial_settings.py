"""Settings of the tutorial. ``CHANNEL_LAYER`` is ``pubsub``, ``core`` or ``live``, ``REDIS_URL`` its address."""

import os

LAYERS = {
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
    "core": "channels_redis.core.RedisChannelLayer",
    "live": "channels_live.layers.ChannelLayer",
}

SECRET_KEY = "benchmark"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": LAYERS[os.environ["CHANNEL_LAYER"]],
        # With redis-py's default of 5 s the core layer's blocking read would end every idle socket.
        "CONFIG": {"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]},
    }
}
# Only the server of channels_live reads it. Without it, the prefix is derived from the database.
CHANNELS_LIVE = {"CHANNEL_PREFIX": "benchmark"}
