"""`manage.py check_channel_layer`, with a real Redis and with none."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from deploy.local import Part, Stack


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Part]:
    part = Stack(tmp_path).part("redis")
    part.start()
    part.wait_ready()
    yield part
    part.stop()


def use(settings, url: str) -> None:
    backend = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": {"hosts": [{"address": url}]}}}


def test_it_prints_the_round_trip_time(settings, redis):
    use(settings, redis.url)
    output = StringIO()
    call_command("check_channel_layer", stdout=output)
    assert re.fullmatch(r"The channel layer works: \d+\.\d ms there and back\.\n", output.getvalue())


def test_without_redis_it_fails_with_one_sentence(settings, redis):
    use(settings, redis.url)
    redis.kill()
    with pytest.raises(CommandError, match=r"^The channel layer [^\n]+$"):
        call_command("check_channel_layer")
