"""docs/protocol.md, sentence by sentence."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed


class Client:
    """A client of chat.v1 that can wait for a frame of some types, and keeps what it passes over for later."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.passed: list[dict[str, Any]] = []

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def next(self, *kinds: str) -> dict[str, Any]:
        for frame in self.passed:
            if not kinds or frame["type"] in kinds:
                self.passed.remove(frame)
                return frame
        while True:
            frame = json.loads(await self.socket.recv())
            if not kinds or frame["type"] in kinds:
                return frame
            self.passed.append(frame)

    async def say(self, text: str, message_id: str) -> int:
        """Send a message, again where it comes too fast, and return its number once it is acknowledged."""
        while True:
            await self.send(type="message", id=message_id, message=text)
            answer = await self.next("ack", "error")
            assert answer["id"] == message_id
            if answer["type"] == "ack":
                return answer["seq"]
            assert answer["code"] == "rate_limited", answer
            await asyncio.sleep(answer["retry_after"])


Enter = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def enter(base_url: str) -> Enter:
    @asynccontextmanager
    async def enter(room: str, query: str = "") -> AsyncIterator[Client]:
        address = f"{base_url.replace('http', 'ws', 1)}/ws/chat/{quote(room, safe='')}/{query}"
        # Without max_queue=None, who leaves with frames unread waits ten seconds for the answer to its close frame.
        options: Any = {"origin": base_url, "subprotocols": ["chat.v1"], "max_queue": None}
        async with connect(address, **options) as socket:
            assert socket.subprotocol == "chat.v1"
            yield Client(socket)

    return enter


async def close_code(client: Client) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await client.next("nothing more")
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def test_welcome_comes_first(enter, room):
    async with enter(room) as alice:
        welcome = await alice.next()
        assert welcome == {
            "type": "welcome",
            "room": room,
            "you": welcome["you"],
            "head": 0,
            "resumed_from": None,
            "epoch": welcome["epoch"],
        }
        assert welcome["you"].startswith("guest-")
        assert await alice.say("one", "a") == 1
    async with enter(room) as bob:
        assert (await bob.next())["head"] == 1


async def test_a_message_is_acknowledged_and_reaches_everyone_with_its_number(enter, room):
    async with enter(room) as alice, enter(room) as bob:
        you = (await alice.next("welcome"))["you"]
        await alice.send(type="message", id="m-1", message="こんにちは")
        frames = [await alice.next("message"), await bob.next("message")]
        for frame in frames:
            assert frame.pop("sent_at").endswith("Z")
            assert frame == {"type": "message", "seq": 1, "id": "m-1", "message": "こんにちは", "author": you}
        assert await alice.next("ack") == {"type": "ack", "id": "m-1", "seq": 1}


async def test_both_protocols_share_a_room(enter, join, room):
    async with enter(room) as alice, join(room) as bob:
        await alice.say("from v1", "a")
        assert await bob.receive() == {"message": "from v1"}
        await bob.say("from the tutorial")
        assert await bob.receive() == {"message": "from the tutorial"}
        assert (await alice.next("message"))["message"] == "from v1"
        assert (await alice.next("message"))["message"] == "from the tutorial"


async def test_an_unknown_subprotocol_falls_back_to_the_tutorial(base_url, room):
    address = f"{base_url.replace('http', 'ws', 1)}/ws/chat/{room}/"
    async with connect(address, origin=base_url, subprotocols=["chat.v9"]) as socket:  # type: ignore[arg-type, list-item]
        assert socket.subprotocol is None
        await socket.send('{"message": "hi"}')
        assert json.loads(await socket.recv()) == {"message": "hi"}


async def test_a_message_sent_twice_is_stored_once_and_acknowledged_twice(enter, room):
    async with enter(room) as alice, enter(room) as bob:
        assert await alice.say("once", "same") == 1
        assert await alice.say("once", "same") == 1
        # An acknowledgement would say that it is stored.
        await bob.send(type="message", id="same", message="not mine")
        error = await bob.next("error")
        assert (error["code"], error["id"]) == ("invalid_id", "same")
        assert await alice.say("next", "other") == 2
        await alice.send(type="history")
        history = await alice.next("history")
        assert [(message["seq"], message["message"]) for message in history["messages"]] == [(1, "once"), (2, "next")]


async def test_resume_replays_what_was_missed_and_goes_on_live(enter, room):
    async with enter(room) as alice:
        for number in range(1, 6):
            await alice.say(str(number), str(number))
        async with enter(room, "?after=2") as bob:
            assert (await bob.next())["resumed_from"] == 2
            assert [(await bob.next("message"))["seq"] for _ in range(3)] == [3, 4, 5]
            await alice.say("6", "6")
            assert (await bob.next("message"))["seq"] == 6


async def test_who_writes_too_fast_is_told_when_to_try_again_and_loses_nothing(enter, room):
    """With the default of 60 messages at once, then 10 a second."""
    async with enter(room) as alice, enter(room) as bob:
        for number in range(60):
            await alice.send(type="message", id=str(number), message=str(number))
        assert {(await alice.next("ack", "error"))["type"] for _ in range(60)} == {"ack"}
        answer = {"type": "ack"}
        while answer["type"] == "ack":
            await alice.send(type="message", id="over", message="over")
            answer = await alice.next("ack", "error")
        assert (answer["code"], answer["id"]) == ("rate_limited", "over")
        assert 0 < answer["retry_after"] <= 0.1
        assert await bob.say("unharmed", "b")
        await asyncio.sleep(answer["retry_after"])
        assert await alice.say("at last", "last")


async def test_after_beyond_the_head_is_a_reset_and_live_messages_go_on(enter, room):
    async with enter(room, "?after=7") as alice:
        assert (await alice.next())["head"] == 0
        assert await alice.next("reset") == {"type": "reset", "head": 0}
        assert await alice.say("one", "a") == 1


async def test_history_comes_in_pages_oldest_first(enter, room):
    async with enter(room) as alice:
        for number in range(1, 8):
            await alice.say(str(number), str(number))
        await alice.send(type="history", before=7, limit=4)
        history = await alice.next("history")
        assert [message["seq"] for message in history["messages"]] == [3, 4, 5, 6]
        assert history["more"] is True
        await alice.send(type="history", before=3, limit=4)
        history = await alice.next("history")
        assert [message["seq"] for message in history["messages"]] == [1, 2]
        assert history["more"] is False


@pytest.mark.parametrize(
    ("frame", "code", "field"),
    [
        ("no json", "invalid_json", ""),
        ("[]", "invalid_message", ""),
        ('{"type": "dance"}', "unknown_type", "type"),
        ("{}", "unknown_type", "type"),
        ('{"type": "message", "message": "x"}', "invalid_id", "id"),
        ('{"type": "message", "id": "", "message": "x"}', "invalid_id", "id"),
        ('{"type": "message", "id": 5, "message": "x"}', "invalid_id", "id"),
        (json.dumps({"type": "message", "id": "x" * 65, "message": "x"}), "invalid_id", "id"),
        ('{"type": "message", "id": "a"}', "invalid_message", "message"),
        (json.dumps({"type": "message", "id": "a", "message": "x" * 4001}), "too_long", "message"),
        ('{"type": "history", "before": "x"}', "invalid_history", "before"),
        ('{"type": "history", "before": 5, "limit": 201}', "invalid_history", "limit"),
        (json.dumps({"type": "message", "id": "a", "message": "\0 "}), "empty", "message"),
        ('{"type": "message", "id": "a", "message": "x", "color": "red"}', "unknown_field", "color"),
        ('{"type": "history", "after": 5}', "unknown_field", "after"),
        ('{"type": "typing", "message": "x"}', "unknown_field", "message"),
        (b"{}", "text_expected", ""),
    ],
)
async def test_a_wrong_frame_is_answered_and_the_socket_lives(enter, room, frame, code, field):
    async with enter(room) as alice:
        await alice.socket.send(frame)
        error = await alice.next("error")
        assert error["code"] == code
        assert field in error["detail"]
        assert await alice.say("alive", "b") == 1


async def test_the_error_of_a_message_names_its_id(enter, room):
    async with enter(room) as alice:
        await alice.send(type="message", id="bad", message=7)
        assert (await alice.next("error"))["id"] == "bad"


async def test_typing_reaches_the_others(enter, room):
    async with enter(room) as alice, enter(room) as bob:
        you = (await alice.next("welcome"))["you"]
        await alice.send(type="typing")
        assert await bob.next("typing") == {"type": "typing", "author": you}


async def test_presence_counts_members_over_all_processes(enter, room):
    async with enter(room) as alice:
        names = {(await alice.next("welcome"))["you"]}
        async with enter(room) as bob, enter(room) as carol:
            names |= {(await bob.next("welcome"))["you"], (await carol.next("welcome"))["you"]}
            for client in (alice, bob, carol):
                while (presence := await client.next("presence"))["count"] != 3:
                    pass
                assert set(presence["members"]) == names
        while (await alice.next("presence"))["count"] != 1:
            pass
