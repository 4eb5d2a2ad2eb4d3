"""Restarts, moves, scaling and deaths, while nobody touches nginx.

What a member sees whose own socket dies waits for the journal: until then messages sent meanwhile are gone.
"""

import asyncio
import time
from collections.abc import Callable

import pytest
from websockets.exceptions import WebSocketException

from tests.containers.load import Member, join
from tests.containers.project import RECOVERY_SECONDS, Project, answers, wait_until

USER = "from accounts.models import User; "


@pytest.fixture
def account(project: Project) -> Callable[[], bool]:
    """Make an account; returns whether it is still there."""
    web = project.ids("web")[0]
    project.execute(web, "python", "manage.py", "shell", "-c", f"{USER}User.objects.get_or_create(username='kept')")
    query = f"{USER}print('kept:', User.objects.filter(username='kept').exists())"
    return lambda: "kept: True" in project.execute(project.ids("web")[0], "python", "manage.py", "shell", "-c", query)


async def seconds_until_messages_flow(project: Project) -> float:
    """Return after how many seconds two new members of a room hear each other, and pages answer.

    Raises TimeoutError where that is not within RECOVERY_SECONDS.
    """
    started = time.monotonic()
    async with asyncio.timeout(RECOVERY_SECONDS):
        while not (  # noqa: ASYNC110  nothing tells, so we ask
            await hear_each_other(project.url) and await asyncio.to_thread(answers, f"{project.url}/chat/")
        ):
            await asyncio.sleep(0.1)
    return time.monotonic() - started


async def hear_each_other(url: str) -> bool:
    """Whether two members get into a room, and each hears both, within two seconds."""
    members: list[Member] = []
    try:
        async with asyncio.timeout(2):
            for name in ("a", "b"):
                members.append(await join(url, "recovery", name))
            for member in members:
                await member.has_heard("a", "b")
            return True
    except (OSError, TimeoutError, WebSocketException):
        return False
    finally:
        for member in members:
            await member.leave()


@pytest.mark.parametrize(
    "command", [("restart",), ("up", "--detach", "--no-deps", "--force-recreate")], ids=["restart", "recreate"]
)
async def test_web_and_ws_move_and_nginx_finds_them(
    project: Project, account: Callable[[], bool], command: tuple[str, ...]
) -> None:
    nginx = project.containers("nginx")[0]["State"]["StartedAt"]
    project.compose(*command, "web", "ws")
    print(f"messages flow {await seconds_until_messages_flow(project):.1f} s after {command[0]}")
    assert project.containers("nginx")[0]["State"]["StartedAt"] == nginx
    assert account()


async def test_scaling_loses_no_message_of_those_who_stay_connected(project: Project) -> None:
    members: list[Member] = []

    async def scale(replicas: int) -> None:
        await asyncio.to_thread(project.compose, "up", "--detach", "--no-deps", "--scale", f"ws={replicas}", "ws")
        await asyncio.to_thread(wait_until, lambda: len(project.ids("ws")) == replicas, 30)
        # nginx learns of it within the two seconds that a name is valid.
        await asyncio.sleep(3)
        members.extend([await join(project.url, "scaling", f"{replicas}-{number}") for number in range(8)])
        await asyncio.sleep(1)

    try:
        for replicas in (2, 4, 1):
            await scale(replicas)
        for member in members:
            await member.fall_silent()
        await asyncio.sleep(1)
        survivors = [member for member in members if member.is_connected]
        # Those of the replica that stayed, and all who joined it last.
        assert len(survivors) > 8
        for listener in survivors:
            for speaker in members:
                heard = listener.heard[speaker.name]
                first = heard[0] if heard else 0
                assert heard == list(range(first, first + len(heard))), f"{listener.name} missed {speaker.name}"
                if speaker in survivors:
                    assert heard[-1] == speaker.said - 1
        # Whoever was there from the beginning heard the others from their first word on.
        early = next(member for member in survivors if member.name.startswith("2-"))
        assert all(early.heard[member.name][0] == 0 for member in members if not member.name.startswith("2-"))
    finally:
        for member in members:
            await member.leave()
        await asyncio.to_thread(project.compose, "up", "--wait")


@pytest.mark.parametrize("service", ["redis", "postgres", "ws", "web", "nginx"])
async def test_a_killed_container_comes_back(project: Project, account: Callable[[], bool], service: str) -> None:
    victim = project.ids(service)[0]
    # From inside, as a crash would be: a container killed through the engine counts as stopped by its operator.
    project.execute(victim, "sh", "-c", "kill -9 -1", check=False)
    wait_until(lambda: project.containers(service)[0]["RestartCount"] > 0, RECOVERY_SECONDS)
    print(f"messages flow {await seconds_until_messages_flow(project):.1f} s after {service} came back")
    assert account()


async def test_one_of_two_ws_dies_and_the_other_goes_on(project: Project) -> None:
    members = [await join(project.url, "half", str(number)) for number in range(8)]
    try:
        project.execute(project.ids("ws")[0], "sh", "-c", "kill -9 -1", check=False)
        await asyncio.sleep(2)
        for member in members:
            await member.fall_silent()
        await asyncio.sleep(1)
        survivors = [member for member in members if member.is_connected]
        assert 0 < len(survivors) < len(members)
        for listener in survivors:
            for speaker in survivors:
                heard = listener.heard[speaker.name]
                assert heard == list(range(heard[0], speaker.said))
    finally:
        for member in members:
            await member.leave()


@pytest.mark.parametrize("service", ["ws", "web", "nginx", "redis", "postgres"])
def test_stops_in_time_and_in_order(project: Project, service: str) -> None:
    container = project.containers(service)[0]
    started = time.monotonic()
    project.compose("stop", service)
    assert time.monotonic() - started < container["Config"].get("StopTimeout", 10)
    codes = {stopped["State"]["ExitCode"] for stopped in project.containers(service, all=True)}
    project.compose("up", "--wait")
    assert codes == {0}


def test_a_second_up_changes_nothing(project: Project) -> None:
    def state() -> set[tuple[str, str]]:
        return {(container["Id"], container["State"]["StartedAt"]) for container in project.containers()}

    before = state()
    project.compose("up", "--wait")
    assert state() == before
