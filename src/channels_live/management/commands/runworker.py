"""``manage.py runworker``: Channels' own, which a pub/sub channel layer cannot serve."""

from typing import Any

from channels.layers import get_channel_layer
from channels.management.commands import runworker
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.core.management.base import CommandError

EXPLANATION = (
    "The channel layer {layer!r} ({backend}) is Redis pub/sub: with two workers each job would run twice, and without "
    "a worker it would be lost. Run jobs in a task queue, such as Celery or a backend of django.tasks, and publish "
    "their results from there. For ChannelNameRouter, name a layer that gives each message to one worker with --layer."
)


class Command(runworker.Command):
    """Exits 1 with the alternative where the channel layer gives each message to all workers, and to none later."""

    def handle(self, *args: Any, **options: Any) -> None:
        layer = get_channel_layer(options["layer"])
        if isinstance(layer, RedisPubSubChannelLayer):
            backend = f"{type(layer).__module__}.{type(layer).__qualname__}"
            raise CommandError(EXPLANATION.format(layer=options["layer"], backend=backend))
        super().handle(*args, **options)
