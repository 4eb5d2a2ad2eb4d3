"""JournalConsumer on an app of the tests' own: what a client is told, and what its entries are answered with."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.db import connection

from channels_live.consumers import JournalConsumer
from channels_live.database import get_database_thread
from channels_live.journal import Draft, JournalSource
from channels_live.rate_limit import Limit
from tests.support.feeds import Post, content, journal

pytestmark = pytest.mark.usefixtures("empty_feeds")


@pytest.fixture(autouse=True)
async def thread_closed(transactional_db: None) -> AsyncIterator[None]:
    yield
    # Looked up in the thread, which has a connection of its own.
    await get_database_thread().run(lambda: connection.close())


class Posts(JournalSource):
    journal = journal

    def content(self, entry: Post) -> Mapping[str, Any]:
        return content(entry)


class PostConsumer(JournalConsumer):
    source = Posts
    accepts = ("text",)
    rate = Limit(rate=0.001, burst=3)

    def stream_name(self) -> str:
        return "news"


class Reader(PostConsumer):
    accepts = ()


async def join(consumer: type[JournalConsumer] = PostConsumer, query: str = "", *protocols: str) -> Any:
    client = WebsocketCommunicator(consumer.as_asgi(), f"/{query}", subprotocols=list(protocols))
    client.scope["query_string"] = query.removeprefix("?").encode()
    is_open, protocol = await client.connect()
    assert is_open
    assert protocol == (protocols[0] if protocols else None)
    return client


async def post(client: Any, entry_id: str, text: str = "hello") -> None:
    await client.send_json_to({"type": "entry", "id": entry_id, "text": text})


async def answers(client: Any, count: int) -> dict[str, Any]:
    """Return so many frames by their type; the order of an answer and an entry is open."""
    frames = [await client.receive_json_from() for _ in range(count)]
    return {frame["type"]: frame for frame in frames}


@pytest.mark.parametrize("protocols", [(), ("journal.v1",)])
async def test_a_client_is_welcomed_acknowledged_and_told_the_entry(protocols):
    client = await join(PostConsumer, "", *protocols)
    welcome = await client.receive_json_from()
    assert welcome.pop("epoch")
    assert welcome == {"type": "welcome", "stream": "news", "head": 0, "resumed_from": None}
    await post(client, "a")
    frames = await answers(client, 2)
    assert frames["ack"] == {"type": "ack", "id": "a", "seq": 1}
    assert frames["entry"].pop("sent_at").endswith("Z")
    assert frames["entry"] == {"type": "entry", "seq": 1, "id": "a", "text": "hello"}
    await client.disconnect()


async def test_a_client_resumes_after_the_number_it_names():
    await get_database_thread().run(
        journal.append, [Draft("news", f"{number}", {"text": "x"}) for number in range(1, 121)]
    )
    client = await join(PostConsumer, "?after=2")
    assert (await client.receive_json_from())["resumed_from"] == 2
    assert [(await client.receive_json_from())["seq"] for _ in range(118)] == list(range(3, 121))
    await client.disconnect()


@pytest.mark.parametrize("after", ["", "x", "-1", "1" * 19])
async def test_an_invalid_after_is_an_error_and_1008(after):
    client = await join(PostConsumer, f"?after={after}")
    error = await client.receive_json_from()
    assert (error["type"], error["code"]) == ("error", "invalid_after")
    assert (await client.receive_output())["code"] == 1008
    await client.disconnect()


async def test_too_many_entries_are_refused_with_the_seconds_to_wait():
    client = await join()
    await client.receive_json_from()
    for number in range(3):
        await post(client, f"{number}")
        await answers(client, 2)
    await post(client, "3")
    error = await client.receive_json_from()
    assert (error["code"], error["id"]) == ("rate_limited", "3")
    assert 0 < error["retry_after"] <= 1000
    await client.disconnect()


async def test_a_consumer_that_accepts_nothing_refuses_entries():
    client = await join(Reader)
    await client.receive_json_from()
    await post(client, "a")
    error = await client.receive_json_from()
    assert (error["code"], error["id"]) == ("read_only", "a")
    await client.disconnect()


@pytest.mark.parametrize(
    ("given", "stored"), [({}, "plain"), ({"kind": "fancy"}, "fancy"), ({"kind": ""}, None), ({"kind": None}, None)]
)
async def test_a_field_that_is_left_out_has_its_default_and_one_that_is_given_is_checked(given, stored):
    class KindConsumer(PostConsumer):
        accepts = ("text", "kind")

    client = await join(KindConsumer)
    await client.receive_json_from()
    await client.send_json_to({"type": "entry", "id": "a", "text": "hello", **given})
    if stored is None:
        error = await client.receive_json_from()
        assert (error["code"], error["id"]) == ("invalid", "a")
        assert error["detail"].startswith("kind: This field cannot be ")
    else:
        await answers(client, 2)
        (entry,) = await get_database_thread().run(journal.after, "news", 0)
        assert entry.kind == stored
    await client.disconnect()


async def test_an_id_of_another_entry_is_refused():
    client = await join()
    await client.receive_json_from()
    await post(client, "a", "first")
    await answers(client, 2)
    await post(client, "a", "second")
    error = await client.receive_json_from()
    assert (error["code"], error["id"]) == ("invalid_id", "a")
    await client.disconnect()


async def test_without_its_table_entries_are_refused_for_a_retry_and_new_clients_closed_with_1013():
    client = await join()
    await client.receive_json_from()
    await get_database_thread().run(execute, "ALTER TABLE feeds_post RENAME TO elsewhere")
    try:
        await post(client, "a")
        error = await client.receive_json_from()
        assert (error["code"], error["id"], error["retry_after"]) == ("unavailable", "a", 2)
    finally:
        await get_database_thread().run(execute, "ALTER TABLE elsewhere RENAME TO feeds_post")
    await post(client, "a")
    assert (await answers(client, 2))["ack"]["seq"] == 1
    await client.disconnect()


async def test_a_full_queue_refuses_for_a_retry(settings):
    settings.CHANNELS_LIVE = {"JOURNAL_QUEUE": 1}
    client = await join()
    await client.receive_json_from()
    may_commit = threading.Event()
    busy = asyncio.create_task(get_database_thread().run(may_commit.wait))
    # One may be in the transaction that waits for the thread, and one in the queue.
    try:
        for entry_id in "abc":
            await post(client, entry_id)
        error = await client.receive_json_from()
        assert (error["code"], error["retry_after"]) == ("overloaded", 1)
        assert error["id"] in {"b", "c"}
    finally:
        may_commit.set()
        await busy
    while (frame := await client.receive_json_from())["type"] != "ack":
        pass
    assert (frame["id"], frame["seq"]) == ("a", 1)
    await client.disconnect()


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
