"""A dump is restored while members are connected, and nobody restarts ws."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.feed_stack import FeedStack
from tests.support.postgres import Server, find_programs

RESTORE = "SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n"


@pytest.fixture
def database() -> Iterator[str]:
    server = Server()
    server.start()
    yield server.create_database()
    server.stop()


def dump(database: str) -> str:
    command = [str(find_programs() / "pg_dump"), "--no-owner", "--dbname", database]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ).stdout


def restore(database: str, sql: str) -> None:
    """As `make restore` does it, without what follows."""
    command = [str(find_programs() / "psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--single-transaction", database]
    subprocess.run(command, input=RESTORE + sql, stdout=subprocess.DEVNULL, text=True, check=True)


# More than what was lost: by the numbers alone, nothing is wrong.
OVERTAKEN = """
INSERT INTO feed_post (feed_id, seq, client_id, text, sent_at)
  SELECT id, number, number, 'another', now() FROM feed_feed, generate_series(4, 9) number;
UPDATE feed_feed SET head = 9;
"""


@pytest.mark.parametrize(("written", "head"), [("", 3), (OVERTAKEN, 9)], ids=["behind", "overtaken"])
async def test_members_are_closed_and_reset_and_get_what_is_written_then(
    tmp_path: Path, database: str, written: str, head: int
):
    with FeedStack(tmp_path, environment={"DATABASE_URL": database}) as stack:
        async with (
            Client(stack.process("ws-1").url, "lobby", "listener") as listener,
            Client(stack.process("ws-2").url, "lobby", "speaker") as speaker,
        ):
            for number in range(3):
                await listener.wait_for_delivery(await speaker.say(str(number)))
            kept = dump(database)
            for number in range(3):
                await listener.wait_for_delivery(await speaker.say(f"lost {number}"))
            # With the schema's name: a dump leaves no search path behind.
            restore(database, kept + re.sub(r"(?=feed_(feed|post)\b)", "public.", written))
            for member in (listener, speaker):
                await member.wait_for(lambda member=member: member.resets)
            async with Client(stack.process("ws-1").url, "lobby", "newcomer", after=head) as newcomer:
                # More than were there: their numbers are those of what was lost.
                for number in range(5):
                    said = await speaker.say(f"new {number}")
                    deliveries = [await member.wait_for_delivery(said) for member in (listener, speaker, newcomer)]
                    assert {delivery.seq for delivery in deliveries} == {head + 1 + number}
            for member in (listener, speaker):
                assert member.close_codes == {1012: 1}
                assert member.resets == [head]
                assert not [delivery for delivery in member.deliveries if delivery.content["text"] == "another"]
