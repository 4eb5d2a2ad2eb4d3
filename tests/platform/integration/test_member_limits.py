"""The limits of what one member may send, one under and one over each, against real processes."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import Stack
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.members import SECONDS, Counted, append, closed, joined, next_of, send_until_closed

# Tokens that come back within an hour at the earliest, so that only the bursts count.
NEVER = "0.0002"


@pytest.fixture
def feed() -> str:
    return f"limits-{os.urandom(4).hex()}"


def one_process(directory: Path, **environment: str) -> Stack:
    return FeedStack(directory, ws_processes=1, environment={**NO_LIMITS, **environment})


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with a small burst of entries."""
    with one_process(tmp_path_factory.mktemp("strict"), MESSAGE_RATE=NEVER, MESSAGE_BURST="3") as stack:
        yield stack


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that closes sockets after few rejected frames."""
    limits = {"MESSAGE_RATE": "0.5", "MESSAGE_BURST": "20", "MAX_REFUSALS": "50"}
    with one_process(tmp_path_factory.mktemp("impatient"), **limits) as stack:
        yield stack


async def test_entries_over_the_burst_of_a_member_are_refused(strict, feed):
    refused_member = 'websocket_refused_frames_total{limit="member"}'
    counted = Counted(strict, refused_member)
    async with joined(strict, feed) as alice, joined(strict, feed) as bob:
        assert [(await append(alice, str(number)))["type"] for number in range(3)] == ["ack"] * 3
        refused = await append(alice, "over")
        assert (refused["code"], refused["id"]) == ("rate_limited", "over")
        assert 4000 < refused["retry_after"] <= 5000
        # Another member of the same feed has a burst of its own.
        assert (await append(bob, "b"))["type"] == "ack"
        assert counted.of(refused_member) == 1


@pytest.mark.parametrize(
    ("frame", "limit"),
    [('{"type": "entry", "id": "x", "text": "hello"}', "member"), ("no json", "invalid")],
    ids=["entries", "invalid frames"],
)
async def test_member_that_ignores_its_limit_is_closed_and_the_others_receive_everything(impatient, feed, frame, limit):
    abusive, refused = "websocket_abusive_closed_total", f'websocket_refused_frames_total{{limit="{limit}"}}'
    counted = Counted(impatient, abusive, refused)
    async with joined(impatient, feed) as abuser, joined(impatient, feed) as alice, joined(impatient, feed) as bob:
        flood = asyncio.create_task(send_until_closed(abuser, frame))
        for number in range(20):
            assert (await append(alice, f"a-{number}"))["type"] == "ack"
        async with asyncio.timeout(SECONDS):
            await flood
        code, reason = await closed(abuser)
        assert code == 1008
        assert reason
        received = []
        while len(received) < 20:
            entry = await next_of(bob, "entry")
            received += [entry["id"]] if entry["id"].startswith("a-") else []
        assert received == [f"a-{number}" for number in range(20)]
    assert counted.of(abusive) == 1
    # As many as may be, and the one too many; what came behind was not read.
    assert 51 <= counted.of(refused) <= 60


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
def test_invalid_limit_aborts_startup_with_one_sentence(tmp_path, environment):
    stack = FeedStack(tmp_path, ws_processes=1, environment={"SECRET_KEY": "unit", **environment})
    process = stack.process("ws-1")
    process.log.parent.mkdir(parents=True, exist_ok=True)
    process.start()
    process.wait_stopped(SECONDS)
    (line,) = process.log.read_text().splitlines()
    assert line.startswith("Invalid configuration: ")
    assert next(iter(environment)) in line
