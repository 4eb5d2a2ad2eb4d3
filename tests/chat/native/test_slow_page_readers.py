"""Slow readers of the chat's largest responses: they delay no other client, and fill no disk."""

import json
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from deploy.local import Stack
from deploy.local.stack import ROOT
from tests.support.slow_reader import SlowReader, files_in

READERS = 100
FILL = """
import random
from chat.journal import journal, message_draft
emoji = [chr(code) for code in range(0x1F300, 0x1F5FF)]
drafts = [
    message_draft("emoji", str(number), "alice", "".join(random.Random(number).choices(emoji, k=4000)))
    for number in range(200)
]
journal.append(drafts)
"""
PAGE = "/api/rooms/emoji/messages?limit=200"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"MAX_REQUESTS_PER_ADDRESS": "110", "MAX_READS_PER_ADDRESS": "0"}
    environment |= {"WEB_WORKERS": "1", "WEB_THREADS": "2"}
    with Stack(tmp_path_factory.mktemp("readers"), ws_processes=1, environment=environment) as stack:
        # As anybody may fill it, but in one go.
        fill = [sys.executable, str(ROOT / "manage.py"), "shell", "-c", FILL]
        subprocess.run(fill, env=stack.environment, check=True, capture_output=True)
        yield stack


def expect_unhindered(stack: Stack) -> None:
    """Everybody else is served, more often than web has threads."""
    with httpx.Client(base_url=stack.url, timeout=20) as other:
        for _ in range(3):
            assert other.get("/chat/emoji/").status_code == 200
        # 401 is web's answer to a guest who posts; a full disk would be nginx's 500.
        assert other.post("/api/rooms/emoji/messages", content=b"x" * 60_000).status_code == 401


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("path", [PAGE, "/chat/emoji/"])
def test_slow_readers_of_the_largest_answers_delay_no_other_request(stack: Stack, path: str, encoding: str) -> None:
    readers = [SlowReader(stack, path, f"Accept-Encoding: {encoding}") for _ in range(READERS)]
    assert {reader.received.split()[1] for reader in readers} == {b"200"}
    expect_unhindered(stack)
    for folder in ("proxy", "client_body"):
        assert files_in(stack.directory / "nginx" / folder) == []
    # And every one gets the whole of it.
    bodies = {reader.read_on() for reader in readers[:3]}
    if encoding == "identity" and path == PAGE:
        (content,) = {json.dumps(json.loads(body)) for body in bodies}
        assert json.loads(content)["more"]
    for reader in readers:
        reader.close()
