"""Two installations on one Redis server, which knows nothing of database numbers where it passes messages on."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connections

from channels_live.conf import parse_database_url
from channels_live.database import identity as module
from channels_live.layers.prefix import channel_prefix
from tests.support.client import Client
from tests.support.feed_stack import FeedStack
from tests.support.postgres import Server
from tests.support.redis import running_redis


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def prefix_of(monkeypatch, settings, django_db_blocker):
    """Return the prefix that a process with this database derives."""
    settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"CHANNEL_PREFIX": ""}

    def derive(url: str) -> str:
        connection = type(connections)({"default": parse_database_url(url)})["default"]
        monkeypatch.setattr(module, "connection", connection)
        monkeypatch.setattr(module, "_known", None)
        with django_db_blocker.unblock():
            try:
                return channel_prefix()
            finally:
                connection.close()

    return derive


def test_each_database_of_a_server_is_an_installation(server, prefix_of):
    first, second = server.create_database(), server.create_database()
    assert prefix_of(first) == prefix_of(first.replace("127.0.0.1", "localhost"))
    assert prefix_of(first) != prefix_of(second)


def test_a_role_that_may_not_ask_for_the_server_still_has_a_prefix_of_its_own(server, prefix_of):
    first, second = server.create_database(), server.create_database()
    with psycopg.connect(first, autocommit=True) as connection:
        connection.execute("CREATE ROLE restricted LOGIN")
        connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    as_restricted = [url.replace("chat@", "restricted@") for url in (first, second)]
    assert len({prefix_of(url) for url in as_restricted}) == 2


async def test_a_member_of_one_gets_nothing_of_the_other_and_misses_nothing_of_its_own(tmp_path: Path):
    with running_redis(tmp_path) as redis:
        stacks = [
            FeedStack(tmp_path / name, environment={"REDIS_URL": redis.url.replace("/0", f"/{number}")}, ws_processes=2)
            for number, name in enumerate(("a", "b"))
        ]
        with stacks[0] as a, stacks[1] as b:
            async with (
                Client(a.process("ws-1").url, "lobby", "listener") as listener,
                Client(a.process("ws-2").url, "lobby", "speaker") as speaker,
                Client(b.process("ws-1").url, "lobby", "stranger") as stranger,
            ):
                await listener.wait_for(lambda: listener.presence == 2)
                await stranger.wait_for(lambda: stranger.presence == 1)
                theirs = await stranger.say("of b")
                await stranger.wait_for_delivery(theirs)
                ours = await speaker.say("of a")
                await listener.wait_for_delivery(ours)
                assert listener.presence == 2
            assert [delivery.id for delivery in listener.deliveries] == [ours]
            assert [delivery.seq for delivery in listener.deliveries] == [1]
            assert [delivery.id for delivery in stranger.deliveries] == [theirs]
            assert not listener.close_codes
