"""docs/existing-project.md, done as it says: with the wheel, in an environment that has nothing else."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from channels_live.testing import redis_process
from deploy.local import Process, ports
from tests.package.distribution import ROOT, build_wheel
from tests.package.existing_project import Project, blocks, nginx_process

SERVICE_RESTART = 1012
# What the page shows of the frames that come.
SHOWN = [
    json.loads(line)
    for b in blocks("\n## Verify the installation\n")
    if b["language"] == "json"
    for line in b["text"].splitlines()
]
(ANNOUNCE,) = (block["text"] for block in blocks("\n## Write entries from views, tasks and commands\n"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """What is entered here is stopped at the end, in the reverse order."""
    with ExitStack() as stack:
        yield stack


def start(process: Process, running: ExitStack) -> Process:
    process.start()
    running.callback(process.stop)
    process.wait_ready()
    return process


def join(origin: str, running: ExitStack, query: str = "") -> ClientConnection:
    """Connect as a page of that origin does."""
    url = f"{origin.replace('http', 'ws', 1)}/ws/feed/news/{query}"
    return running.enter_context(connect(url, origin=Origin(origin)))


def receive(socket: ClientConnection, *types: str) -> list[dict[str, Any]]:
    """Return the next frames, which must be of these types and have the fields that the page shows."""
    frames = [json.loads(socket.recv(10)) for _ in types]
    assert [frame["type"] for frame in frames] == list(types)
    fields = {frame["type"]: frame.keys() for frame in SHOWN}
    assert all(frame.keys() == fields[frame["type"]] for frame in frames)
    return frames


def send(socket: ClientConnection, text: str) -> None:
    socket.send(json.dumps({"type": "entry", "id": text, "text": text}))


@pytest.mark.parametrize("versions", ["locked", "lowest"])
def test_two_clients_lose_nothing_when_the_server_restarts(
    tmp_path: Path, wheel: Path, versions: str, running: ExitStack
) -> None:
    wheels = ROOT / ".run/wheels" / versions
    assert wheels.exists(), "The wheels to install are not there; make test-package fetches them."
    redis = start(redis_process(tmp_path), running)
    friend = "https://app.example.net"
    project = Project(tmp_path, {"REDIS_URL": redis.url, "DRAIN_SECONDS": "0.2", "ALLOWED_ORIGINS": friend})
    command = project.follow(wheel, wheels)
    (project.folder / "announcements.py").write_text(ANNOUNCE)
    address, nginx_address = (f"{ports.HOST}:{ports.pick()}" for _ in range(2))
    server = start(project.server(command, address), running)
    nginx = start(nginx_process(tmp_path / "nginx", nginx_address, address), running)
    assert httpx.get(f"{server.url}/readyz").json() == {"status": "ok", "database": "ok", "redis": "ok"}
    assert httpx.get(f"{nginx.url}/ws/feed/news/").status_code == 426

    with pytest.raises(InvalidStatus, match="403"):
        connect(f"ws://{address}/ws/feed/news/", origin=Origin("https://other.example"))
    with connect(f"ws://{address}/ws/feed/news/", origin=Origin(friend)) as socket:
        receive(socket, "welcome")

    alice, bob = join(nginx.url, running, "?after=0"), join(server.url, running)
    for socket in (alice, bob):
        receive(socket, "welcome")
    send(alice, "before")
    # In whichever order they come.
    assert {json.loads(alice.recv(10))["type"] for _ in range(2)} == {"entry", "ack"}
    (entry,) = receive(bob, "entry")
    assert (entry["seq"], entry["text"]) == (1, "before")

    assert server.stop() == 0
    for socket in (alice, bob):
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(10)
        assert closed.value.rcvd
        assert closed.value.rcvd.code == SERVICE_RESTART
    # What Django writes while nobody is connected, and no server runs.
    project.run("""python manage.py shell -c 'from announcements import announce; announce("news", "meanwhile")'""")
    server.start()
    server.wait_ready()

    alice, bob = (join(url, running, f"?after={entry['seq']}") for url in (nginx.url, server.url))
    for socket in (alice, bob):
        welcome, missed = receive(socket, "welcome", "entry")
        assert (welcome["resumed_from"], missed["seq"], missed["text"]) == (1, 2, "meanwhile")
    send(bob, "after")
    (entry,) = receive(alice, "entry")
    assert (entry["seq"], entry["text"]) == (3, "after")
    # Written by another process while they are connected.
    project.run("""python manage.py shell -c 'from announcements import announce; announce("news", "live")'""")
    (entry,) = receive(alice, "entry")
    assert (entry["seq"], entry["text"]) == (4, "live")
    log = server.log.read_text()
    assert "Traceback" not in log
    # By the project's own LOGGING, which is Django's default: warnings, and not what is for debugging.
    assert "handshake refused" in log
    assert "reason=origin" in log
    assert "socket closed" not in log
