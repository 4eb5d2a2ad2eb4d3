"""``manage.py check_channel_layer``: the check of the Channels tutorial as a command."""

import asyncio
import time

from channels.layers import get_channel_layer
from django.core.management.base import BaseCommand, CommandError
from redis.exceptions import RedisError

TIMEOUT_SECONDS = 5


class Command(BaseCommand):
    """Exits with 1 and a one-line error if the message does not come back."""

    help = "Send a message to a channel and receive it back through Redis."

    def handle(self, *args: object, **options: object) -> None:
        try:
            milliseconds = asyncio.run(asyncio.wait_for(_round_trip(), TIMEOUT_SECONDS)) * 1000
        except TimeoutError as error:
            raise CommandError(f"The channel layer did not answer within {TIMEOUT_SECONDS} s.") from error
        except (RedisError, OSError) as error:
            raise CommandError(f"The channel layer does not work: {error}") from error
        self.stdout.write(f"The channel layer works: {milliseconds:.1f} ms there and back.")


async def _round_trip() -> float:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    started = time.perf_counter()
    await layer.send(channel, {"type": "check"})
    await layer.receive(channel)
    return time.perf_counter() - started
