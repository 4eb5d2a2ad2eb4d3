"""examples/feed, put beside the chat as docs/your-app.md says, in two ws processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from deploy.local.stack import ROOT
from tests.support.run import Run, copy_repository

CODE = [path for path in ROOT.glob("examples/feed/*.py") if path.name != "models.py"]
NO_CODE = ("#", '"""', "import ", "from ")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_repository(tmp_path_factory.mktemp("feed") / "repository", "feed")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Run]:
    run = Run(tmp_path_factory.mktemp("feed") / "run", repository, WS_PROCESSES="2", DRAIN_SECONDS="1")
    run.wait_for("ready: ")
    yield run
    assert run.end(signal.SIGINT) == 0


@pytest.fixture
def feed() -> str:
    """Name of a feed in which nothing has happened."""
    return "".join(character for character in token_urlsafe(24).lower() if character.isalpha())


def process_of(run: Run, name: str) -> Any:
    return {process["name"]: process for process in run.description()["processes"]}[name]


def join(run: Run, process: str, feed: str, query: str = "") -> ClientConnection:
    """Open a socket on one ws process."""
    origin = process_of(run, process)["url"]
    address = f"{origin.replace('http', 'ws', 1)}/ws/feed/{feed}/{query}"
    return connect(address, origin=origin, subprotocols=["journal.v1"])  # type: ignore[list-item]


def receive(window: ClientConnection, kind: str) -> Any:
    """Return the next frame of a type; those before it are others."""
    while (frame := json.loads(window.recv(15)))["type"] != kind:
        pass
    return frame


def append(window: ClientConnection, entry_id: str, **fields: object) -> None:
    window.send(json.dumps({"type": "entry", "id": entry_id, **fields}))


def test_feed_has_at_most_30_lines_besides_its_models() -> None:
    lines = [line.strip() for path in CODE for line in path.read_text().splitlines()]
    assert len([line for line in lines if line and not line.startswith(NO_CODE)]) <= 30


def test_feed_page_is_served(run: Run) -> None:
    page = httpx.get(run.description()["url"] + "/feed/deploys/")
    assert page.status_code == 200
    assert "/ws/feed/deploys/" in page.text


def test_entry_reaches_members_on_all_processes_with_its_seq(run: Run, feed: str) -> None:
    with join(run, "ws-1", feed) as alice, join(run, "ws-2", feed) as bob:
        assert alice.subprotocol == "journal.v1"
        welcome = receive(alice, "welcome")
        assert (welcome["stream"], welcome["head"], welcome["resumed_from"]) == (feed, 0, None)
        receive(bob, "welcome")
        for number in (1, 2):
            append(alice, f"a{number}", text=f"number {number}")
        assert [receive(bob, "entry")["seq"] for _ in range(2)] == [1, 2]
        append(bob, "b1", text="number 3")
        entry = receive(bob, "entry")
        assert set(entry) == {"type", "seq", "id", "sent_at", "actor", "text"}
        assert (entry["seq"], entry["id"], entry["text"]) == (3, "b1", "number 3")


def test_stored_id_with_other_content_is_rejected(run: Run, feed: str) -> None:
    with join(run, "ws-1", feed) as first:
        append(first, "same", text="hello")
        assert receive(first, "ack") == {"type": "ack", "id": "same", "seq": 1}
    with join(run, "ws-2", feed, "?after=0") as again:
        assert receive(again, "entry")["text"] == "hello"
        append(again, "same", text="something else")
        assert receive(again, "error")["code"] == "invalid_id"
        append(again, "next", text="next")
        assert receive(again, "ack")["seq"] == 2


@pytest.mark.parametrize("query", ["?after=9", "?after=0&epoch=another"])
def test_resume_after_unknown_seq_or_epoch_is_reset(run: Run, feed: str, query: str) -> None:
    with join(run, "ws-1", feed) as writer:
        append(writer, "1", text="hello")
        receive(writer, "ack")
        with join(run, "ws-1", feed, query) as reader:
            assert receive(reader, "reset") == {"type": "reset", "head": 1}
            append(writer, "2", text="live")
            assert receive(reader, "entry")["seq"] == 2


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "invalid_json"),
        ("[]", "invalid_frame"),
        (b"{}", "text_expected"),
        ('{"type":"entry","id":"1","text":"\\ud800"}', "invalid_frame"),
        ('{"type":"typing"}', "unknown_type"),
        ('{"type":"entry","text":"x"}', "invalid_id"),
        ('{"type":"entry","id":"1","text":"x","actor":"somebody"}', "unknown_field"),
        ('{"type":"entry","id":"1"}', "invalid"),
        ('{"type":"entry","id":"1","text":""}', "invalid"),
        (json.dumps({"type": "entry", "id": "1", "text": "x" * 201}), "invalid"),
    ],
)
def test_invalid_frame_is_answered_with_an_error(run: Run, feed: str, frame: str | bytes, code: str) -> None:
    with join(run, "ws-1", feed) as window:
        window.send(frame)
        assert receive(window, "error")["code"] == code
        append(window, "2", text="x" * 200)
        assert receive(window, "ack")["seq"] == 1


def test_entries_are_delivered_without_redis(run: Run, feed: str) -> None:
    with join(run, "ws-1", feed) as alice, join(run, "ws-2", feed) as bob:
        receive(bob, "welcome")
        os.kill(process_of(run, "redis")["pid"], signal.SIGSTOP)
        try:
            append(alice, "1", text="hello")
            assert receive(alice, "ack")["seq"] == receive(bob, "entry")["seq"] == 1
        finally:
            os.kill(process_of(run, "redis")["pid"], signal.SIGCONT)


def test_entry_of_a_management_command_reaches_members(run: Run, repository: Path, feed: str) -> None:
    database = f"sqlite:///{run.directory}/db.sqlite3"
    command = ["shell", "-c", f"from feed.activities import record; record('{feed}', 'ci', 'Release 7 is out.')"]
    with join(run, "ws-1", feed) as window:
        receive(window, "welcome")
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=repository,
            env={**os.environ, "PYTHONPATH": "", "DATABASE_URL": database},
            check=True,
            timeout=60,
        )
        entry = receive(window, "entry")
        assert (entry["seq"], entry["actor"], entry["text"]) == (1, "ci", "Release 7 is out.")


def test_members_resume_after_a_restart_of_their_process(run: Run, feed: str) -> None:
    with join(run, "ws-1", feed) as writer, ExitStack() as windows:
        reader = windows.enter_context(join(run, "ws-2", feed))
        epoch = receive(reader, "welcome")["epoch"]
        append(writer, "1", text="before")
        last = receive(reader, "entry")["seq"]
        os.kill(process_of(run, "ws-2")["pid"], signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            receive(reader, "never")
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1012
        for number in (2, 3):
            append(writer, f"{number}", text="meanwhile")
            receive(writer, "ack")
        back = windows.enter_context(join(run, "ws-1", feed, f"?after={last}&epoch={epoch}"))
        assert receive(back, "welcome")["resumed_from"] == 1
        append(writer, "4", text="after")
        assert [receive(back, "entry")["seq"] for _ in range(3)] == [2, 3, 4]
    run.wait_for("ws-2 started again")
