"""Restarted, recreated, scaled and killed containers, without a restart of nginx."""

import asyncio
import itertools
import time
from collections.abc import Callable

import pytest

from tests.containers.project import RECOVERY_SECONDS, Project, answers, wait_until
from tests.support.client import Client
from tests.support.engine import docker, inspect
from tests.support.load import Load

# Deliveries that show that the load is served, before and after the fault.
ENOUGH = 2000
_rooms = itertools.count(1)
USER = "from accounts.models import User; "


@pytest.fixture
def account(project: Project) -> Callable[[], bool]:
    """Create an account, and return a function that returns whether it exists."""
    web = project.ids("web")[0]
    project.execute(web, "python", "manage.py", "shell", "-c", f"{USER}User.objects.get_or_create(username='kept')")
    query = f"{USER}print('kept:', User.objects.filter(username='kept').exists())"
    return lambda: "kept: True" in project.execute(project.ids("web")[0], "python", "manage.py", "shell", "-c", query)


async def seconds_until_messages_flow(project: Project) -> float:
    """Return after how many seconds two members of a room receive each other's messages, and pages are served.

    Raises TimeoutError after RECOVERY_SECONDS.
    """
    room = f"recovery-{next(_rooms)}"
    started = time.monotonic()
    async with (
        Client(project.url, room, "a") as alice,
        Client(project.url, room, "b") as bob,
    ):
        await bob.wait_for_delivery(await alice.say("hello"), RECOVERY_SECONDS)
        await alice.wait_for_delivery(await bob.say("hello"), RECOVERY_SECONDS)
    await asyncio.to_thread(wait_until, lambda: answers(f"{project.url}/feed/"), RECOVERY_SECONDS)
    seconds = time.monotonic() - started
    assert seconds <= RECOVERY_SECONDS
    return seconds


@pytest.mark.parametrize(
    "command", [("restart",), ("up", "--detach", "--no-deps", "--force-recreate")], ids=["restart", "recreate"]
)
async def test_nginx_finds_web_and_ws_at_new_addresses(
    project: Project, account: Callable[[], bool], command: tuple[str, ...]
) -> None:
    nginx = project.containers("nginx")[0]["State"]["StartedAt"]
    project.compose(*command, "web", "ws")
    print(f"messages flow {await seconds_until_messages_flow(project):.1f} s after {command[0]}")
    assert project.containers("nginx")[0]["State"]["StartedAt"] == nginx
    assert account()


async def test_scaling_loses_no_message(project: Project) -> None:
    try:
        async with Load(project.url) as load:
            for replicas in (2, 4, 1):
                await asyncio.to_thread(
                    project.compose, "up", "--detach", "--no-deps", "--scale", f"ws={replicas}", "ws"
                )
                await asyncio.to_thread(wait_until, lambda wanted=replicas: len(project.ids("ws")) == wanted, 30)
                await load.reach(load.deliveries + ENOUGH)
            outcome = await load.outcome("scaled")
        print(outcome)
        assert outcome.is_clean
    finally:
        await asyncio.to_thread(project.compose, "up", "--wait")


@pytest.mark.timeout(300)
async def test_rolling_restart_closes_with_1012_and_loses_no_message(project: Project) -> None:
    containers = project.ids("ws")
    assert len(containers) == 2
    async with Load(project.url) as load:
        await load.reach(ENOUGH)
        for container in containers:
            await asyncio.to_thread(docker, "stop", container)
            assert inspect(container)[0]["State"]["ExitCode"] == 0
            await asyncio.to_thread(docker, "start", container)
            await asyncio.to_thread(wait_until, lambda container=container: is_healthy(container), 60)
            await load.reach(load.deliveries + ENOUGH)
        outcome = await load.outcome("ws restarted one by one")
    print(outcome)
    assert outcome.is_clean
    assert set(outcome.close_codes) == {1012}


def is_healthy(container: str) -> bool:
    return bool(inspect(container)[0]["State"]["Health"]["Status"] == "healthy")


@pytest.mark.parametrize("service", ["redis", "postgres", "ws", "web", "nginx"])
async def test_killed_container_is_restarted_and_no_message_is_lost(
    project: Project, account: Callable[[], bool], service: str
) -> None:
    victim = project.ids(service)[0]
    async with Load(project.url) as load:
        await load.reach(ENOUGH)
        # From inside, like a crash. After `docker kill` the restart policy does not apply.
        await asyncio.to_thread(project.execute, victim, "sh", "-c", "kill -9 -1", check=False)
        restarted = lambda: project.containers(service)[0]["RestartCount"] > 0  # noqa: E731
        await asyncio.to_thread(wait_until, restarted, RECOVERY_SECONDS)
        await load.reach(load.deliveries + ENOUGH)
        outcome = await load.outcome(f"{service} killed")
    print(outcome)
    assert outcome.is_clean
    print(f"messages flow {await seconds_until_messages_flow(project):.1f} s after {service} came back")
    assert account()


@pytest.mark.parametrize("service", ["ws", "web", "nginx", "redis", "postgres"])
def test_service_stops_with_exit_code_0_within_its_grace_period(project: Project, service: str) -> None:
    container = project.containers(service)[0]
    started = time.monotonic()
    project.compose("stop", service)
    assert time.monotonic() - started < container["Config"].get("StopTimeout", 10)
    codes = {stopped["State"]["ExitCode"] for stopped in project.containers(service, all=True)}
    project.compose("up", "--wait")
    assert codes == {0}


def test_second_up_keeps_all_containers(project: Project) -> None:
    def state() -> set[tuple[str, str]]:
        return {(container["Id"], container["State"]["StartedAt"]) for container in project.containers()}

    before = state()
    project.compose("up", "--wait")
    assert state() == before
