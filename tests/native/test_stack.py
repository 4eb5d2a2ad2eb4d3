"""The library of `make run`, which drills and benchmarks use too."""

import json
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.local import ProcessFailed
from tests.support.feed_sockets import next_text, open_feed, post
from tests.support.feed_stack import FeedStack


def test_members_of_all_processes_receive_each_others_posts_also_of_an_added_process(tmp_path):
    with FeedStack(tmp_path) as stack, ExitStack() as sockets:
        stack.add_ws()
        urls = [stack.process(f"ws-{number}").url for number in (1, 2, 3)]
        members = [sockets.enter_context(open_feed(url)) for url in urls]
        for speaker in members:
            post(speaker, "hello")
            assert [next_text(member) for member in members] == ["hello"] * 3


def test_killed_process_can_be_restarted_while_the_others_serve(tmp_path):
    with FeedStack(tmp_path) as stack:
        assert stack.process("ws-1").kill() == -9
        assert not stack.process("ws-1").is_running
        with open_feed(stack.url) as member:
            post(member, "hello")
            assert next_text(member) == "hello"
        stack.restart("ws-1")
        with open_feed(stack.process("ws-1").url) as member:
            post(member, "back")
            assert next_text(member) == "back"


def test_without_redis_posts_are_delivered_and_readiness_is_degraded(tmp_path):
    with FeedStack(tmp_path) as stack, ExitStack() as sockets:
        urls = [stack.process(name).url for name in ("ws-1", "ws-2")]
        alice, bob = (sockets.enter_context(open_feed(url)) for url in urls)
        stack.process("redis").kill()
        for url in [*urls, stack.process("web").url]:
            with urllib.request.urlopen(f"{url}/readyz") as response:
                assert json.load(response)["status"] == "degraded"
        post(alice, "hello")
        assert [next_text(member) for member in (alice, bob)] == ["hello"] * 2
        # Bob received it by polling, long after the attempt to send it through Redis.
        with urllib.request.urlopen(f"{urls[0]}/metrics") as response:
            assert "channel_layer_up 0.0" in response.read().decode()


def test_failed_start_leaves_no_process_running(tmp_path):
    stack = FeedStack(tmp_path, environment={"DATABASE_URL": "mysql://nowhere/at-all"})
    with pytest.raises(ProcessFailed, match="DATABASE_URL"):
        stack.start()
    assert not any(process.is_running for process in stack.processes)


def test_all_files_are_in_the_directory_of_the_stack(tmp_path: Path):
    with FeedStack(tmp_path, ws_processes=1) as stack:
        assert stack.description.parent == tmp_path
        logs = {Path(process["log"]).parent for process in json.loads(stack.description.read_text())["processes"]}
        assert logs == {tmp_path / "log"}
    assert not stack.description.exists()
