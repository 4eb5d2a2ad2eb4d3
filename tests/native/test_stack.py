"""deploy.local.Stack, on which `make run`, fault injection and benchmarks are based."""

import json
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection, connect

from deploy.local import ProcessFailed, Stack


def join(url: str) -> ClientConnection:
    return connect(f"{url.replace('http', 'ws', 1)}/ws/chat/lobby/", origin=url)  # type: ignore[arg-type]


def test_messages_reach_members_on_all_processes_including_an_added_one(tmp_path):
    with Stack(tmp_path) as stack, ExitStack() as sockets:
        stack.add_ws()
        urls = [stack.process(f"ws-{number}").url for number in (1, 2, 3)]
        members = [sockets.enter_context(join(url)) for url in urls]
        for speaker in members:
            speaker.send(json.dumps({"message": "hello"}))
            assert [json.loads(member.recv(10)) for member in members] == [{"message": "hello"}] * 3


def test_killed_process_does_not_affect_others_and_can_be_restarted(tmp_path):
    with Stack(tmp_path) as stack:
        assert stack.process("ws-1").kill() == -9
        assert not stack.process("ws-1").is_running
        with join(stack.url) as member:
            member.send(json.dumps({"message": "hello"}))
            assert json.loads(member.recv(10)) == {"message": "hello"}
        stack.restart("ws-1")
        with join(stack.process("ws-1").url) as member:
            member.send(json.dumps({"message": "back"}))
            assert json.loads(member.recv(10)) == {"message": "back"}


def test_without_redis_messages_are_delivered_and_readyz_is_degraded(tmp_path):
    with Stack(tmp_path) as stack, ExitStack() as sockets:
        urls = [stack.process(name).url for name in ("ws-1", "ws-2")]
        alice, bob = (sockets.enter_context(join(url)) for url in urls)
        stack.process("redis").kill()
        for url in [*urls, stack.process("web").url]:
            with urllib.request.urlopen(f"{url}/readyz") as response:
                assert json.load(response)["status"] == "degraded"
        alice.send(json.dumps({"message": "hello"}))
        assert json.loads(alice.recv(10)) == {"message": "hello"}
        assert json.loads(bob.recv(10)) == {"message": "hello"}
        # Bob received it by polling, after publishing to Redis had failed.
        with urllib.request.urlopen(f"{urls[0]}/metrics") as response:
            assert "channel_layer_up 0.0" in response.read().decode()


def test_failed_start_leaves_no_process_running(tmp_path):
    stack = Stack(tmp_path, environment={"DATABASE_URL": "mysql://nowhere/at-all"})
    with pytest.raises(ProcessFailed, match="DATABASE_URL"):
        stack.start()
    assert not any(process.is_running for process in stack.processes)


def test_all_files_are_written_to_the_directory(tmp_path: Path):
    with Stack(tmp_path, ws_processes=1) as stack:
        assert stack.description.parent == tmp_path
        logs = {Path(process["log"]).parent for process in json.loads(stack.description.read_text())["processes"]}
        assert logs == {tmp_path / "log"}
    assert not stack.description.exists()
