"""The protocol journal.v1 (channels_live.journal.protocol), in two ws processes behind nginx."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import ClientConnection

from deploy.local import Stack
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.members import SECONDS, Frame, append, closed, joined, next_of

# Three pages of the journal, and some more.
MISSED, MORE = 617, 200


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with FeedStack(tmp_path_factory.mktemp("journal"), environment=NO_LIMITS) as stack:
        yield stack


@pytest.fixture
def feed() -> str:
    return f"feed-{os.urandom(4).hex()}"


async def first(member: ClientConnection) -> Frame:
    """Return the next frame, whatever it is."""
    async with asyncio.timeout(SECONDS):
        frame: Frame = json.loads(await member.recv())
    return frame


async def numbers(member: ClientConnection, count: int) -> list[int]:
    return [(await next_of(member, "entry"))["seq"] for _ in range(count)]


async def test_welcome_is_the_first_frame_and_has_the_head(stack, feed):
    async with joined(stack, feed) as alice:
        welcome = await first(alice)
        assert (welcome["type"], welcome["stream"]) == ("welcome", feed)
        assert (welcome["head"], welcome["resumed_from"]) == (0, None)
        await append(alice, "a")
    async with joined(stack, feed) as bob:
        again = await first(bob)
        assert (again["head"], again["epoch"]) == (1, welcome["epoch"])


async def test_entry_is_acknowledged_and_received_by_every_member_with_its_number(stack, feed):
    async with joined(stack, feed) as alice, joined(stack, feed) as bob:
        await alice.send(json.dumps({"type": "entry", "id": "one", "text": "こんにちは"}))
        frames = [await next_of(alice, "ack", "entry") for _ in range(2)] + [await next_of(bob, "entry")]
        assert {"type": "ack", "id": "one", "seq": 1} in frames
        for frame in (frame for frame in frames if frame["type"] == "entry"):
            assert frame.pop("sent_at").endswith("Z")
            assert frame == {"type": "entry", "seq": 1, "id": "one", "text": "こんにちは"}


async def test_entry_sent_twice_is_stored_once_and_acknowledged_twice(stack, feed):
    async with joined(stack, feed) as alice, joined(stack, feed) as bob:
        assert [(await append(alice, "same"))["seq"] for _ in range(2)] == [1, 1]
        assert await numbers(bob, 1) == [1]
        await bob.send(json.dumps({"type": "entry", "id": "same", "text": "another text"}))
        error = await next_of(bob, "error")
        assert (error["code"], error["id"]) == ("invalid_id", "same")
        assert (await append(alice, "next"))["seq"] == 2
        assert await numbers(bob, 1) == [2]


async def test_resume_sends_what_was_missed_and_then_live_entries(stack, feed):
    async with joined(stack, feed) as alice:
        for number in range(5):
            await append(alice, str(number))
        async with joined(stack, feed, query="?after=2") as bob:
            assert (await first(bob))["resumed_from"] == 2
            assert await numbers(bob, 3) == [3, 4, 5]
            await append(alice, "live")
            assert await numbers(bob, 1) == [6]


async def test_resume_over_several_pages_while_entries_arrive_has_each_once_and_in_order(stack, feed):
    async def write(member: ClientConnection, name: str, count: int) -> None:
        for number in range(count):
            await append(member, f"{name}-{number}")

    async with joined(stack, feed) as alice, joined(stack, feed) as bob:
        await write(alice, "missed", MISSED)
        arriving = asyncio.gather(write(alice, "a", MORE // 2), write(bob, "b", MORE // 2))
        async with joined(stack, feed, query="?after=0") as reader:
            assert await numbers(reader, MISSED + MORE) == list(range(1, MISSED + MORE + 1))
        await arriving


@pytest.mark.parametrize("after", ["x", "-1", "", "1.5", "9" * 30, "%E0%A5%A7"])
async def test_invalid_after_is_an_error_and_closed_with_1008(stack, feed, after):
    async with joined(stack, feed, query=f"?after={after}") as alice:
        assert (await first(alice))["code"] == "invalid_after"
        assert (await closed(alice))[0] == 1008


async def test_after_beyond_the_head_is_a_reset_and_live_entries_follow(stack, feed):
    async with joined(stack, feed, query="?after=7") as alice:
        assert await next_of(alice, "reset") == {"type": "reset", "head": 0}
        await append(alice, "one")
        assert (await append(alice, "two"))["seq"] == 2


async def test_number_of_another_epoch_is_a_reset(stack, feed):
    async with joined(stack, feed) as alice:
        epoch = (await first(alice))["epoch"]
        await append(alice, "one")
    async with joined(stack, feed, query=f"?after=0&epoch={epoch}") as same:
        assert (await next_of(same, "reset", "entry"))["type"] == "entry"
    async with joined(stack, feed, query="?after=0&epoch=0123456789ab") as other:
        assert await next_of(other, "reset", "entry") == {"type": "reset", "head": 1}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("no json", "invalid_json"),
        ("[]", "invalid_frame"),
        ('{"type": "unknown"}', "unknown_type"),
        ('{"type": "entry", "text": "no id"}', "invalid_id"),
        ('{"type": "entry", "id": "a", "text": "x", "author": "forged"}', "unknown_field"),
        ('{"type": "entry", "id": "a", "text": ""}', "invalid"),
        ('{"type": "entry", "id": "a", "text": "\\ud83d"}', "invalid_frame"),
        (b"binary", "text_expected"),
    ],
    ids=["text", "array", "type", "id", "field", "empty", "surrogate", "binary"],
)
async def test_invalid_frame_is_answered_to_its_sender_and_the_socket_stays_open(stack, feed, frame, code):
    async with joined(stack, feed) as alice, joined(stack, feed) as bob:
        await alice.send(frame)
        error = await next_of(alice, "error")
        assert error["code"] == code
        # Where the entry is known, the error names it.
        assert error.get("id") == ("a" if code in {"unknown_field", "invalid"} else None)
        assert (await append(alice, "still here"))["type"] == "ack"
        assert (await next_of(bob, "entry", "error"))["id"] == "still here"


async def test_message_over_64_kib_is_closed_with_1009(stack, feed):
    async with joined(stack, feed) as alice:
        await alice.send(json.dumps({"type": "entry", "id": "a", "text": "x" * 64 * 1024}))
        assert (await closed(alice))[0] == 1009


async def test_presence_counts_members_in_all_processes(stack, feed):
    async with joined(stack, feed) as alice:
        assert (await next_of(alice, "presence"))["count"] == 1
        async with joined(stack, feed):
            while (await next_of(alice, "presence"))["count"] != 2:
                pass
        while (await next_of(alice, "presence"))["count"] != 1:
            pass


async def test_hundred_members_receive_each_entry_once_and_in_order(stack, feed):
    async def received(member: ClientConnection) -> list[str]:
        return [(await next_of(member, "entry"))["id"] for _ in range(20)]

    async with AsyncExitStack() as sockets:
        members = [await sockets.enter_async_context(joined(stack, feed)) for _ in range(100)]
        receiving = asyncio.gather(*map(received, members[1:]))
        for number in range(20):
            await append(members[0], str(number))
        assert await receiving == [[str(number) for number in range(20)]] * 99
