"""``manage.py runworker`` with the channel layers of projects."""

import asyncio

import pytest
from channels.layers import channel_layers
from channels.management.commands import runworker
from django.core.management import CommandError, call_command

from channels_live.layers.channel_layer import ChannelLayer
from channels_live.management.command_order import order_check

PUBSUB = {"CONFIG": {"hosts": ["redis://127.0.0.1:1"]}}


@pytest.fixture
def layers(settings):
    """Set CHANNEL_LAYERS for one test."""

    def use(**layers: dict[str, object]) -> None:
        settings.CHANNEL_LAYERS = layers
        channel_layers.backends.clear()

    yield use
    channel_layers.backends.clear()


@pytest.mark.parametrize(
    "backend", ["channels_live.layers.ChannelLayer", "channels_redis.pubsub.RedisPubSubChannelLayer"]
)
def test_a_worker_on_a_pubsub_layer_is_refused_and_told_the_alternative(layers, backend):
    layers(default={"BACKEND": backend, **PUBSUB})
    with pytest.raises(CommandError, match=r"each job would run twice.+task queue, such as Celery") as refused:
        call_command("runworker", "thumbnails")
    assert refused.value.returncode == 1


def test_a_worker_on_another_layer_runs(layers, settings, monkeypatch):
    settings.ASGI_APPLICATION = f"{__name__}.application"
    ran = []

    class Worker:
        def __init__(self, application, channels, channel_layer):
            ran.append((channels, type(channel_layer).__name__))

        def run(self):
            pass

    monkeypatch.setattr(runworker.Command, "worker_class", Worker)
    layers(
        default={"BACKEND": "channels_live.layers.ChannelLayer", **PUBSUB},
        jobs={"BACKEND": "channels.layers.InMemoryChannelLayer"},
    )
    call_command("runworker", "--layer", "jobs", "thumbnails")
    assert ran == [(["thumbnails"], "InMemoryChannelLayer")]


@pytest.mark.parametrize(
    ("installed", "ids"),
    [
        (["channels_live"], []),
        (["channels_live", "channels"], []),
        (["channels", "channels_live"], ["channels_live.W001"]),
    ],
)
def test_the_order_of_apps_that_hides_the_refusal_is_a_warning(settings, installed, ids):
    settings.INSTALLED_APPS = [*installed, *(app for app in settings.INSTALLED_APPS if app != "channels_live")]
    assert [warning.id for warning in order_check(None)] == ids


async def application(scope, receive, send):
    """What ASGI_APPLICATION names; the worker here runs nothing."""


async def test_why_two_workers_would_both_run_a_job_and_none_would_run_it_later(redis_address, settings):
    settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"CHANNEL_PREFIX": "jobs"}
    workers = [ChannelLayer(hosts=[redis_address]) for _ in range(2)]
    web = ChannelLayer(hosts=[redis_address])
    await web.send("thumbnails", {"type": "lost"})
    received = [asyncio.create_task(worker.receive("thumbnails")) for worker in workers]
    async with asyncio.timeout(20):
        while not all(task.done() for task in received):
            await web.send("thumbnails", {"type": "job"})
            await asyncio.wait(received, timeout=0.1)
    assert [(await task)["type"] for task in received] == ["job", "job"]
    for layer in (*workers, web):
        await layer.flush()
