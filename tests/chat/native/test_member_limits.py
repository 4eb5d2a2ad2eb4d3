"""The limits of what one member may say and ask in the chat, one under and one over each, against real processes."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from deploy.local import Stack
from tests.support.chat import CHAT, TUTORIAL
from tests.support.limits import NO_LIMITS
from tests.support.members import (
    SECONDS,
    Counted,
    Frame,
    append,
    closed,
    guest_cookie,
    joined,
    metric,
    next_of,
    send_until_closed,
)

# Tokens that come back within an hour at the earliest, so that only the bursts count.
NEVER = "0.0002"


@pytest.fixture
def room() -> str:
    return f"limits-{os.urandom(4).hex()}"


def one_process(directory: Path, **environment: str) -> Stack:
    return Stack(directory, ws_processes=1, environment={**NO_LIMITS, **environment})


async def say(member: ClientConnection, message_id: str) -> Frame:
    return await append(member, message_id, CHAT)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Where everything that one member may do is little."""
    with one_process(
        tmp_path_factory.mktemp("strict"),
        MESSAGE_RATE=NEVER,
        MESSAGE_BURST="3",
        MESSAGE_MAX_CHARS="5",
        HISTORY_RATE="0.001",
        TYPING_RATE=NEVER,
    ) as stack:
        yield stack


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Where those are closed soon who go on and on."""
    limits = {"MESSAGE_RATE": "0.5", "MESSAGE_BURST": "20", "TYPING_RATE": "1", "MAX_REFUSALS": "50"}
    with one_process(tmp_path_factory.mktemp("impatient"), **limits) as stack:
        yield stack


async def test_messages_of_the_tutorials_protocol_over_the_burst_are_refused_without_an_id(strict, room):
    async with joined(strict, room, TUTORIAL) as carol:
        for _ in range(4):
            await carol.send('{"message": "hello"}')
        async with asyncio.timeout(SECONDS):
            while "error" not in (frame := json.loads(await carol.recv())):
                assert frame == {"message": "hello"}
        assert frame["error"]["code"] == "rate_limited"
        assert frame["error"]["retry_after"] > 4000
        assert "id" not in frame["error"]


async def test_windows_of_one_guest_share_twice_the_burst_of_one_member(strict, room):
    refused_user = 'websocket_refused_frames_total{limit="user"}'
    counted = Counted(strict, refused_user)
    cookie = guest_cookie(strict)
    async with AsyncExitStack() as windows:
        opened = [await windows.enter_async_context(joined(strict, room, CHAT, cookie=cookie)) for _ in range(3)]
        answers = [await say(window, f"{number}") for number in range(3) for window in opened[:2]]
        assert [answer["type"] for answer in answers] == ["ack"] * 6
        refused = await say(opened[2], "over")
        assert refused["code"] == "rate_limited"
        assert counted.of(refused_user) == 1
        stranger = await windows.enter_async_context(joined(strict, room, CHAT, cookie=guest_cookie(strict)))
        assert (await say(stranger, "mine"))["type"] == "ack"


async def test_messages_over_the_burst_of_a_room_are_refused_and_other_rooms_go_on(tmp_path, room):
    with one_process(tmp_path, ROOM_MESSAGE_RATE="0.001", MESSAGE_BURST="20", MAX_REFUSALS="50") as stack:
        async with (
            joined(stack, room, CHAT) as alice,
            joined(stack, room, CHAT) as bob,
            joined(stack, f"{room}-2", CHAT) as carol,
        ):
            assert (await say(alice, "a"))["type"] == "ack"
            refused = await say(bob, "b")
            assert refused["code"] == "rate_limited"
            assert refused["retry_after"] > 900
            assert (await say(carol, "c"))["type"] == "ack"
            assert metric(stack, 'websocket_refused_frames_total{limit="room"}') == 1
            # One who goes on as if nothing were the matter is closed, though a single message is nobody's fault.
            await send_until_closed(alice, '{"type": "message", "id": "x", "message": "hello"}')
            assert (await closed(alice))[0] == 1008
            assert metric(stack, 'websocket_refused_frames_total{limit="room"}') == 1 + 20 + 51
            assert (await say(bob, "b"))["code"] == "rate_limited"


async def test_history_and_typing_have_their_own_limits(strict, room):
    refused_typing, refused_history = (
        f'websocket_refused_frames_total{{limit="{it}"}}' for it in ("typing", "history")
    )
    counted = Counted(strict, refused_typing, refused_history)
    async with joined(strict, room, CHAT) as alice, joined(strict, room, CHAT) as bob:
        await alice.send('{"type": "history"}')
        assert (await next_of(alice, "history", "error"))["type"] == "history"
        await alice.send('{"type": "history"}')
        refused = await next_of(alice, "history", "error")
        assert refused["code"] == "rate_limited"
        assert refused["retry_after"] > 900
        for _ in range(5):
            await alice.send('{"type": "typing"}')
        assert (await say(alice, "behind"))["type"] == "ack"
        seen = [await next_of(bob, "typing", "message") for _ in range(2)]
        assert [frame["type"] for frame in seen] == ["typing", "message"]
        assert counted.of(refused_typing) == 4
        assert counted.of(refused_history) == 1


async def test_member_that_types_without_pause_is_closed_and_the_others_receive_everything(impatient, room):
    abusive, refused = "websocket_abusive_closed_total", 'websocket_refused_frames_total{limit="typing"}'
    counted = Counted(impatient, abusive, refused)
    async with (
        joined(impatient, room, CHAT) as abuser,
        joined(impatient, room, CHAT) as alice,
        joined(impatient, room, CHAT) as bob,
    ):
        flood = asyncio.create_task(send_until_closed(abuser, '{"type": "typing"}'))
        for number in range(20):
            assert (await say(alice, f"a-{number}"))["type"] == "ack"
        async with asyncio.timeout(SECONDS):
            await flood
        code, reason = await closed(abuser)
        assert code == 1008
        assert reason
        received = []
        while len(received) < 20:
            message = await next_of(bob, "message")
            received += [message["id"]] if message["id"].startswith("a-") else []
        assert received == [f"a-{number}" for number in range(20)]
    assert counted.of(abusive) == 1
    # As many as may be, and the one too many; what came behind was not even looked at.
    assert 51 <= counted.of(refused) <= 60


async def test_frames_to_the_lobby_are_rejected_until_it_closes(impatient):
    address = f"{impatient.url.replace('http', 'ws', 1)}/ws/rooms/"
    async with connect(address, origin=impatient.url) as visitor:  # type: ignore[arg-type]
        await send_until_closed(visitor, "hello")
        assert (await closed(visitor))[0] == 1008


async def test_text_over_the_limit_is_refused_and_counted(strict, room):
    too_long = 'chat_invalid_frames_total{code="too_long"}'
    counted = Counted(strict, too_long)
    async with joined(strict, room, CHAT) as alice:
        assert (await say(alice, "hello"))["type"] == "ack"
        await alice.send(json.dumps({"type": "message", "id": "longer", "message": "hello!"}))
        error = await next_of(alice, "error")
        assert (error["code"], error["id"]) == ("too_long", "longer")
    assert counted.of(too_long) == 1
