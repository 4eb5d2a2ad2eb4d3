"""What one member may say and ask, one under and one over each limit, against real processes with small limits."""

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from deploy.local import Stack
from tests.support.members import (
    SECONDS,
    Counted,
    closed,
    entered,
    guest_cookie,
    metric,
    next_of,
    say,
    stack_with,
)

# Tokens that come back within an hour at the earliest, so that only the bursts count.
NEVER = "0.0002"

Enter = Callable[..., AbstractAsyncContextManager[ClientConnection]]


@pytest.fixture
def room() -> str:
    return f"limits-{os.urandom(4).hex()}"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Where everything that one member may do is little."""
    with stack_with(
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
    with stack_with(tmp_path_factory.mktemp("impatient"), **limits) as stack:
        yield stack


async def test_a_member_says_its_burst_and_no_more(strict, room):
    refused_member = 'websocket_refused_frames_total{limit="member"}'
    counted = Counted(strict, refused_member)
    async with entered(strict, room) as alice, entered(strict, room) as bob:
        assert [(await say(alice, str(number)))["type"] for number in range(3)] == ["ack"] * 3
        refused = await say(alice, "over")
        assert (refused["code"], refused["id"]) == ("rate_limited", "over")
        assert 4000 < refused["retry_after"] <= 5000
        # Neither another member nor another room is asked to wait.
        assert (await say(bob, "b"))["type"] == "ack"
        assert counted.of(refused_member) == 1
    async with entered(strict, room, protocol=None) as carol:
        for _ in range(4):
            await carol.send('{"message": "hello"}')
        async with asyncio.timeout(SECONDS):
            while "error" not in (frame := json.loads(await carol.recv())):
                assert frame == {"message": "hello"}
        assert frame["error"]["code"] == "rate_limited"
        assert frame["error"]["retry_after"] > 4000
        assert "id" not in frame["error"]


async def test_all_windows_of_one_guest_may_say_twice_that_together(strict, room):
    refused_user = 'websocket_refused_frames_total{limit="user"}'
    counted = Counted(strict, refused_user)
    cookie = guest_cookie(strict)
    async with AsyncExitStack() as windows:
        opened = [await windows.enter_async_context(entered(strict, room, cookie=cookie)) for _ in range(3)]
        answers = [await say(window, f"{number}") for number in range(3) for window in opened[:2]]
        assert [answer["type"] for answer in answers] == ["ack"] * 6
        refused = await say(opened[2], "over")
        assert refused["code"] == "rate_limited"
        assert counted.of(refused_user) == 1
        stranger = await windows.enter_async_context(entered(strict, room, cookie=guest_cookie(strict)))
        assert (await say(stranger, "mine"))["type"] == "ack"


async def test_a_room_takes_its_burst_and_the_others_go_on(tmp_path, room):
    with stack_with(tmp_path, ROOM_MESSAGE_RATE="0.001", MESSAGE_BURST="20", MAX_REFUSALS="50") as stack:
        async with entered(stack, room) as alice, entered(stack, room) as bob, entered(stack, f"{room}-2") as carol:
            assert (await say(alice, "a"))["type"] == "ack"
            refused = await say(bob, "b")
            assert refused["code"] == "rate_limited"
            assert refused["retry_after"] > 900
            assert (await say(carol, "c"))["type"] == "ack"
            assert metric(stack, 'websocket_refused_frames_total{limit="room"}') == 1
            # One who goes on as if nothing were the matter is closed, though a single message is nobody's fault.
            await flood_until_closed(alice, '{"type": "message", "id": "x", "message": "hello"}')
            assert (await closed(alice))[0] == 1008
            assert metric(stack, 'websocket_refused_frames_total{limit="room"}') == 1 + 20 + 51
            assert (await say(bob, "b"))["code"] == "rate_limited"


async def test_history_and_typing_have_limits_of_their_own(strict, room):
    refused_typing, refused_history = (
        f'websocket_refused_frames_total{{limit="{it}"}}' for it in ("typing", "history")
    )
    counted = Counted(strict, refused_typing, refused_history)
    async with entered(strict, room) as alice, entered(strict, room) as bob:
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


@pytest.mark.parametrize(
    ("frame", "limit"),
    [
        ('{"type": "message", "id": "x", "message": "hello"}', "member"),
        ("no json", "invalid"),
        ('{"type": "typing"}', "typing"),
    ],
    ids=["messages", "wrong frames", "typing"],
)
async def test_who_never_stops_is_closed_and_the_others_hear_everything(impatient, room, frame, limit):
    abusive, refused = "websocket_abusive_closed_total", f'websocket_refused_frames_total{{limit="{limit}"}}'
    counted = Counted(impatient, abusive, refused)
    async with entered(impatient, room) as abuser, entered(impatient, room) as alice, entered(impatient, room) as bob:
        flood = asyncio.create_task(flood_until_closed(abuser, frame))
        for number in range(20):
            assert (await say(alice, f"a-{number}"))["type"] == "ack"
        async with asyncio.timeout(SECONDS):
            await flood
        code, reason = await closed(abuser)
        assert code == 1008
        assert reason
        heard = []
        while len(heard) < 20:
            message = await next_of(bob, "message")
            heard += [message["id"]] if message["id"].startswith("a-") else []
        assert heard == [f"a-{number}" for number in range(20)]
    assert counted.of(abusive) == 1
    # As many as may be, and the one too many; what came behind was not even looked at.
    assert 51 <= counted.of(refused) <= 60


async def flood_until_closed(member: ClientConnection, frame: str) -> None:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await member.send(frame)
            # Whoever never reads does not learn why it was closed.
            await asyncio.sleep(0)


async def test_the_lobby_wants_to_hear_nothing(impatient):
    address = f"{impatient.url.replace('http', 'ws', 1)}/ws/rooms/"
    async with connect(address, origin=impatient.url) as visitor:  # type: ignore[arg-type]
        await flood_until_closed(visitor, "hello")
        assert (await closed(visitor))[0] == 1008


async def test_a_text_over_the_limit_is_refused_and_counted(strict, room):
    too_long = 'chat_invalid_frames_total{code="too_long"}'
    counted = Counted(strict, too_long)
    async with entered(strict, room) as alice:
        assert (await say(alice, "hello"))["type"] == "ack"
        await alice.send(json.dumps({"type": "message", "id": "longer", "message": "hello!"}))
        error = await next_of(alice, "error")
        assert (error["code"], error["id"]) == ("too_long", "longer")
    assert counted.of(too_long) == 1


@pytest.mark.parametrize(
    "environment",
    [
        {"MAX_SOCKETS": "0"},
        {"MAX_SOCKETS": "999999"},
        {"MESSAGE_RATE": "-1"},
        {"MESSAGE_BURST": "0"},
        {"HANDSHAKE_TIMEOUT": "0"},
    ],
    ids=lambda environment: "=".join(*environment.items()),
)
def test_a_wrong_limit_stops_the_start_with_one_sentence(tmp_path, environment):
    stack = Stack(tmp_path, ws_processes=1, environment={"SECRET_KEY": "unit", **environment})
    process = stack.process("ws-1")
    process.log.parent.mkdir(parents=True, exist_ok=True)
    process.start()
    process.wait_stopped(SECONDS)
    (line,) = process.log.read_text().splitlines()
    assert line.startswith("Invalid configuration: ")
    assert next(iter(environment)) in line
