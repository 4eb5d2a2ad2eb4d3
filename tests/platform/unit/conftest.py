import functools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from channels_live.hub import Hub
from channels_live.hub.connection import ChannelLayerConnection
from tests.support.feeds import empty_feeds, feed_tables  # noqa: F401
from tests.support.hub import Broker, InThread, Journal
from tests.support.pages import plain_static_files, translations  # noqa: F401


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
async def make_hub(journal: Journal, broker: Broker) -> AsyncIterator[Callable[..., Hub]]:
    """Make hubs, each as in a process of its own, which are closed at the end; polling and gaps take a moment."""
    hubs: list[Hub] = []

    def make(journal: Journal = journal, database: Any = None, stale_seconds: float = 10.0, **options: Any) -> Hub:
        connect = functools.partial(ChannelLayerConnection, new_layer=broker.new_layer, stale_seconds=stale_seconds)
        hub = Hub(
            journal, database or InThread(), connect=connect, **{"poll_seconds": 0.05, "gap_seconds": 0.01, **options}
        )
        hubs.append(hub)
        return hub

    yield make
    for hub in hubs:
        await hub.close()


@pytest.fixture
async def hub(make_hub: Callable[..., Hub]) -> Hub:
    return make_hub()


@pytest.fixture
async def quiet_hub(make_hub: Callable[..., Hub]) -> Hub:
    """A hub that does not poll within a test."""
    return make_hub(poll_seconds=60)


@pytest.fixture
async def other(make_hub: Callable[..., Hub]) -> Hub:
    """The hub of another process."""
    return make_hub()
