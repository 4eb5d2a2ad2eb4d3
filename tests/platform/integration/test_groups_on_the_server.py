"""Drain, revocation, age and limits of consumers with groups, on ws processes that a test may change."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from deploy.local import Process, Stack
from deploy.local.stack import ROOT
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.rooms import member, members

OURS = ["async", "sync"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {**NO_LIMITS, "DRAIN_SECONDS": "0"}
    with FeedStack(tmp_path_factory.mktemp("groups"), ws_processes=2, environment=environment) as stack:
        yield stack


@pytest.fixture
def restart_with(stack: Stack) -> Iterator[Callable[..., Process]]:
    """Restart ws-1 with other settings, for one test."""
    process = stack.process("ws-1")
    settings = process.environment

    def restart_with(**changed: str) -> Process:
        process.stop()
        process.environment = {**settings, **changed}
        process.start()
        process.wait_ready()
        return process

    yield restart_with
    restart_with()


@pytest.fixture
def room() -> str:
    return f"room-{os.urandom(4).hex()}"


@pytest.mark.parametrize("kind", [*OURS, "stock-async", "counted", "shouted"])
async def test_a_draining_process_closes_with_1012_and_disconnect_runs(stack, room, kind):
    ws = stack.process("ws-1")
    async with member(stack.process("ws-2"), "async", room) as witness:
        try:
            async with members(ws, kind, room, 3) as leaving:
                assert ws.pid
                os.kill(ws.pid, signal.SIGTERM)
                assert [await each.closed() for each in leaving] == [1012] * 3
            for _ in range(3):
                assert (await witness.next())["text"] == "left with 1012"
            assert ws.wait_stopped(20) == 0
        finally:
            ws.start()
            ws.wait_ready()


async def revoke(stack: Stack, room: str) -> None:
    """Revoke the subject that all sockets of the room have."""
    code = f"from channels_live.revocation import revoke; revoke('room:{room}')"
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", code]
    await asyncio.to_thread(subprocess.run, command, env=stack.environment, check=True, timeout=60, capture_output=True)


@pytest.mark.parametrize("kind", OURS)
async def test_a_revoked_subject_closes_its_sockets_with_4401_and_no_others(stack, room, kind):
    ws = stack.process("ws-1")
    async with member(ws, kind, room) as concerned, member(ws, kind, f"{room}-other") as unconcerned:
        await revoke(stack, room)
        assert await concerned.closed() == 4401
        await unconcerned.settled()


@pytest.mark.parametrize("kind", ["marked", "marked-sync"])
async def test_a_revoked_subject_closes_a_socket_whose_middleware_wraps_send(stack, room, kind):
    async with member(stack.process("ws-1"), kind, room) as concerned:
        await revoke(stack, room)
        # As for all applications that do not attach: the next handshake is checked again.
        assert await concerned.closed() == 1012


async def test_a_revocation_does_not_wait_for_a_handler_that_hangs(stack, room):
    ws = stack.process("ws-1")
    async with member(ws, "async", room) as hanging, member(ws, "async", room) as receiving:
        await hanging.order(on_said="hang")
        await hanging.settled()
        await receiving.order(say="hello")
        await receiving.next()
        await receiving.order(hang=None)
        await revoke(stack, room)
        assert [await each.closed() for each in (hanging, receiving)] == [1012] * 2


@pytest.mark.parametrize("kind", OURS)
async def test_a_socket_at_its_maximum_age_is_closed_with_1012(restart_with, room, kind):
    ws = restart_with(MAX_CONNECTION_AGE="1")
    async with member(ws, kind, room) as old:
        assert await old.closed() == 1012


@pytest.mark.parametrize("kind", OURS)
async def test_limits_of_frames_hold(restart_with, room, kind):
    ws = restart_with(MAX_FRAME_KIB="1")
    async with member(ws, kind, room) as flooding:
        await flooding.order(say="x" * 2000)
        assert await flooding.closed() == 1009


@pytest.mark.parametrize("kind", OURS)
async def test_the_log_names_the_request_of_a_handler_that_failed(stack, room, kind):
    ws = stack.process("ws-1")
    begun = ws.log.stat().st_size
    request_id = f"request-{room}"
    async with member(ws, kind, room, additional_headers={"X-Request-ID": request_id}) as failing:
        await failing.order(on_said="raise")
        await failing.settled()
        await failing.order(say="hello")
        assert await failing.closed() == 1011
    lines = ws.log.read_bytes()[begun:].decode()
    assert "Refused" in lines
    assert request_id in lines
