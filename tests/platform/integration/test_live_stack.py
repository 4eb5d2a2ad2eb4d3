"""channels_live.testing, as a project's tests use it: each test here is a run of pytest in the project ``mysite``."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.stack import PYTHONPATH, ROOT
from tests.support import postgres
from tests.support.processes import tree

PROJECT = ROOT / "tests/platform/project"
COMMAND = [sys.executable, "-m", "pytest", "-p", "channels_live.testing.plugin", "-p", "no:valkey"]
INI = """
[pytest]
DJANGO_SETTINGS_MODULE = mysite.settings
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
"""
PRELUDE = """
import signal
from django.contrib.auth.models import User
import pytest
from channels_live.testing import *
from channels_live.layers import Event, publish
from feed.models import Feed, Post
from feed.source import Feeds
PATH = "/ws/feed/news/"

def entry(client, id_, text="Hello"):
    client.send_json({"type": "entry", "id": id_, "text": text})
    return client.receive_json({"type": "ack", "id": id_})["seq"]
"""
# Each run starts several processes in turn, on a machine that may have more to do.
SECONDS = 280
pytestmark = pytest.mark.timeout(SECONDS + 20)
Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(**variables: str) -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT / "src"), str(PROJECT)])
    others = {"DJANGO_SETTINGS_MODULE", "PYTEST_ADDOPTS", "REDIS_URL", "DATABASE_URL"}
    return {**{k: v for k, v in os.environ.items() if k not in others}, "PYTHONPATH": paths, **variables}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run tests of a project, ``source``, and return what pytest says."""

    def run(source: str, **variables: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "pytest.ini").write_text(INI)
        (tmp_path / "test_project.py").write_text(PRELUDE + textwrap.dedent(source))
        return subprocess.run(
            COMMAND,
            cwd=tmp_path,
            env=environment(**variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    return run


SHARED = """
    def test_an_entry_is_in_the_tests_database(live_stack):
        with live_stack.connect(PATH + "?after=0") as client:
            assert entry(client, "a") == 1
        assert Post.objects.get().text == "Hello"

    def test_the_tables_are_empty_in_the_next_test(live_stack):
        assert not Feed.objects.exists()
        with live_stack.connect(PATH + "?after=0") as client:
            assert client.receive_json({"type": "welcome"})["head"] == 0
            assert entry(client, "a") == 1

    def test_what_the_test_publishes_comes_over_the_channel_layer(live_stack):
        with live_stack.connect(PATH + "?after=0") as client:
            assert entry(client, "a") == 1
            # Without a number it is not in the journal, where a server would look for what did not come.
            event = Event({"journal.v1": '{"type": "note"}'})
            publish(Feeds().group("news"), event.to_message("news"))
            client.receive_json({"type": "note"})

    def test_a_process_may_be_killed(live_stack):
        live_stack.servers[0].kill()
        live_stack.redis.kill()

    def test_a_process_may_be_paused(live_stack):
        with live_stack.connect(PATH) as client:
            assert entry(client, "a") == 1
        live_stack.servers[0].signal(signal.SIGSTOP)

    async def test_all_runs_again_in_the_next_test(live_stack):
        user = await User.objects.acreate(username="alice")
        async with live_stack.aconnect(PATH, user=user) as client:
            await client.send_json({"type": "entry", "id": "a", "text": "Hello"})
            assert (await client.receive_json({"type": "ack"}))["seq"] == 1
        async with live_stack.aresume(PATH) as client:
            await client.wait_for(lambda: client.seq == 1)
"""


def test_tests_share_a_stack_and_each_finds_it_in_order(run: Run, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    result = run(SHARED, TMPDIR=str(temporary))
    assert result.returncode == 0, result.stdout
    # Of the test database in a file, and of everything else that is not pytest's.
    assert [path for path in temporary.iterdir() if not path.name.startswith("pytest-of-")] == []


@pytest.fixture
def server() -> Iterator[postgres.Server]:
    try:
        server = postgres.Server()
    except postgres.PostgresMissing as error:
        pytest.skip(str(error))
    try:
        server.start()
        yield server
    finally:
        server.stop()


def test_the_test_database_of_postgresql_is_used_and_dropped(run: Run, server: postgres.Server) -> None:
    result = run(SHARED, DATABASE_URL=server.create_database())
    assert result.returncode == 0, result.stdout
    # pytest-django warns where a database cannot be dropped, since a server is still connected.
    assert "Error when trying to teardown test databases" not in result.stdout


def test_a_stack_of_its_own_has_other_settings_and_several_servers(run: Run) -> None:
    result = run("""
        @pytest.fixture(scope="session")
        def live_stack_options():
            return {"settings": {"ALLOWED_HOSTS": ["127.0.0.1"], "CHANNELS_LIVE": {"ALLOWED_ORIGINS": ["https://friend"]}}}

        def test_options(live_stack):
            with live_stack.connect(PATH, origin="https://friend") as client:
                client.receive_json({"type": "welcome"})
            with pytest.raises(HandshakeRefused, match="reason=origin") as refused:
                with live_stack.connect(PATH, origin="https://stranger"):
                    pass
            assert refused.value.status == 403

        def test_factory(live_stack_factory):
            stack = live_stack_factory(processes=2, settings={"CHANNELS_LIVE": {"ALLOW_GUESTS": False}})
            user = User.objects.create_user("alice")
            with stack.connect(PATH, server=1) as guest:
                assert guest.wait_closed().code == 4401
            with stack.resume(PATH, "alice", user=user) as alice, stack.resume(PATH, "bob", user=user) as bob:
                first = alice.send(text="before")
                for client in (alice, bob):
                    client.wait_for_delivery(first)
                stack.servers[0].kill()
                alice.send(text="meanwhile")
                stack.servers[0].start()
                stack.servers[1].restart()
                last = alice.send(text="after")
                alice.wait_for_acknowledgements()
                for client in (alice, bob):
                    client.wait_for_delivery(last)
                assert_each_entry_once(alice, bob)
                assert {1006, 1012} & set(alice.close_codes + bob.close_codes)
                bob.deliveries.append(bob.deliveries[0])
                with pytest.raises(AssertionError, match=r"duplicated: 1(.|\\n)*bob received \\[1, 2, 3, 1\\]"):
                    assert_each_entry_once(alice, bob)
    """)
    assert result.returncode == 0, result.stdout


def test_a_failing_test_shows_what_came_and_what_the_server_logged(run: Run) -> None:
    result = run("""
        def test_silence(live_stack):
            with live_stack.connect(PATH + "?after=0") as client:
                client.receive_json({"type": "no such"}, seconds=2)

        def test_refused(live_stack):
            with live_stack.connect(PATH, origin="https://stranger"):
                pass

        def test_own(live_stack_factory):
            stack = live_stack_factory(settings={"CHANNELS_LIVE": {"PING_INTERVAL": 0}})
    """)
    assert result.returncode == 1
    out = result.stdout
    assert 'A frame with {"type": "no such"} was expected of ws://127.0.0.1:' in out
    assert 'none came within 2 s. Received instead:\nE             1. {"type": "welcome", "stream": "news"' in out
    assert "was answered 403" in out
    assert "- Log of ws-1 -" in out
    assert "ws-1 exited during startup: Invalid configuration: CHANNELS_LIVE['PING_INTERVAL']" in out


def test_servers_may_have_other_settings_than_the_tests(run: Run) -> None:
    """As in the template, where pages and sockets are two services."""
    paths = os.pathsep.join([PYTHONPATH, str(PROJECT)])
    result = run(
        """
        from django.conf import settings

        @pytest.fixture(scope="session")
        def live_stack_options():
            return {"settings_module": "feed_stack.ws"}

        def test_user(live_stack, client, django_user_model):
            assert settings.ROOT_URLCONF == "web.urls"
            client.force_login(django_user_model.objects.create_user("alice"))
            with live_stack.connect(PATH, cookies=client.cookies) as alice:
                assert entry(alice, "a") == 1
        """,
        PYTHONPATH=paths,
        DJANGO_SETTINGS_MODULE="feed_stack.web",
        SECRET_KEY="0123456789" * 5,
    )
    assert result.returncode == 0, result.stdout


def test_servers_never_use_the_projects_own_database(run: Run, tmp_path: Path) -> None:
    result = run(
        """
        from pathlib import Path

        def test_without_a_database(tmp_path):
            with pytest.raises(ProcessFailed, match="The default database is the project's own"):
                with LiveStack(tmp_path):
                    pass
        """,
        DATABASE_URL=f"sqlite:///{tmp_path}/own.sqlite3",
    )
    assert result.returncode == 0, result.stdout
    assert not (tmp_path / "own.sqlite3").exists()


def test_processes_end_when_pytest_is_killed(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "test_project.py").write_text(
        PRELUDE + "def test_waits(live_stack):\n    print('\\nready', flush=True)\n    input()\n"
    )
    process = subprocess.Popen(
        [*COMMAND, "-s"],
        cwd=tmp_path,
        env=environment(TMPDIR=str(tmp_path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert any(line.startswith("ready") for line in process.stdout)
    children = tree([process.pid]) - {process.pid}
    assert len(children) >= 3  # a server, a Redis, and what ends them
    watched = [os.pidfd_open(pid) for pid in children]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    try:
        assert all(map(has_ended, watched))
    finally:
        for descriptor in watched:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            os.close(descriptor)


def has_ended(descriptor: int) -> bool:
    """Wait until a process ends, whose descriptor is readable then; False after 20 s."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(20_000))
