"""examples/poll, installed beside the chat as in docs/your-app.md, with two ws processes."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_urlsafe

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from deploy.local.stack import ROOT
from tests.support.run import Run, copy_repository

CODE = [*ROOT.glob("examples/poll/*.py"), *ROOT.glob("examples/poll/static/poll/*.js")]
NO_CODE = ("#", "//", '"""', "import ", "from ")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("poll")
    run = Run(folder / "run", copy_repository(folder / "repository", "poll"), WS_PROCESSES="2")
    run.wait_for("ready: ")
    yield run
    assert run.end(signal.SIGINT) == 0


@pytest.fixture
def poll() -> str:
    """The name of a poll without votes."""
    return "".join(character for character in token_urlsafe(24).lower() if character.isalpha())


class Processes:
    """The processes of the running stack, by name."""

    def __init__(self, run: Run) -> None:
        self._processes = {process["name"]: process for process in run.description()["processes"]}

    def join(self, name: str, poll: str, **headers: str) -> ClientConnection:
        """Open a socket on one ws process."""
        origin = self._processes[name]["url"]
        url = f"{origin.replace('http', 'ws', 1)}/ws/poll/{poll}/"
        return connect(url, origin=origin, additional_headers=headers)  # type: ignore[arg-type]

    def signal(self, name: str, number: signal.Signals) -> None:
        os.kill(self._processes[name]["pid"], number)


def expect_result(voters: list[ClientConnection], **expected: int) -> None:
    """Wait until each receives exactly these counts; earlier frames have earlier counts."""
    for voter in voters:
        while json.loads(voter.recv(15)) != expected:
            pass


def test_poll_has_less_than_60_lines_besides_imports() -> None:
    lines = [line.strip() for path in CODE for line in path.read_text().splitlines()]
    assert len([line for line in lines if line and not line.startswith(NO_CODE)]) < 60


def test_chat_and_poll_are_served_side_by_side(run: Run) -> None:
    with httpx.Client(base_url=run.description()["url"], follow_redirects=True) as visitor:
        assert "pizza-for-lunch?" in visitor.get("/poll/").text
        assert "room-name-input" in visitor.get("/").text


def test_votes_on_two_processes_reach_all_voters(run: Run, poll: str) -> None:
    processes = Processes(run)
    with ExitStack() as sockets:
        voters = [sockets.enter_context(processes.join(name, poll)) for name in ("ws-1", "ws-2", "ws-1", "ws-2")]
        expect_result(voters)
        # Without waiting in between, so that two processes count at the same time.
        for voter, vote in zip(voters, ("true", "true", "false", "true"), strict=True):
            voter.send(vote)
        expect_result(voters, true=3, false=1)
        with processes.join("ws-2", poll) as late:
            assert json.loads(late.recv(15)) == {"true": 3, "false": 1}


def test_voter_counts_once_however_often_a_vote_is_sent(run: Run, poll: str) -> None:
    processes = Processes(run)
    cookie = f"guest={httpx.get(run.description()['url'] + '/poll/pizza-for-lunch/').cookies['guest']}"
    with processes.join("ws-1", poll, Cookie=cookie) as first, processes.join("ws-2", poll, Cookie=cookie) as second:
        for vote in ("true", "true", "false", "no vote"):
            first.send(vote)
            second.send(vote)
        with processes.join("ws-1", poll) as other:
            expect_result([first, second, other], true=1)
            other.send("false")
            expect_result([first, second, other], true=1, false=1)


def test_renamed_guest_cannot_vote_again(run: Run, poll: str) -> None:
    processes, url = Processes(run), run.description()["url"]
    with httpx.Client(base_url=url, headers={"Origin": url}) as guest:
        page = guest.get("/accounts/name/").text
        with processes.join("ws-1", poll, Cookie=f"guest={guest.cookies['guest']}") as voter:
            voter.send("true")
            expect_result([voter], true=1)
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        answer = guest.post("/accounts/name/", data={"chosen": "bob", "csrfmiddlewaretoken": token})
        assert answer.status_code == 302
        with processes.join("ws-1", poll, Cookie=f"guest={guest.cookies['guest']}") as voter:
            voter.send("false")
            with processes.join("ws-1", poll) as other:
                other.send("true")
                expect_result([voter, other], true=2)


def test_results_are_delivered_without_redis(run: Run, poll: str) -> None:
    processes = Processes(run)
    with processes.join("ws-1", poll) as alice, processes.join("ws-2", poll) as bob:
        expect_result([alice, bob])
        processes.signal("redis", signal.SIGSTOP)
        try:
            alice.send("true")
            expect_result([alice, bob], true=1)
        finally:
            processes.signal("redis", signal.SIGCONT)
        bob.send("false")
        expect_result([alice, bob], true=1, false=1)


def test_stopping_process_closes_members_with_1012(run: Run, poll: str) -> None:
    processes = Processes(run)
    with processes.join("ws-2", poll) as voter:
        expect_result([voter])
        processes.signal("ws-2", signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            voter.recv(15)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1012
    assert "Traceback" not in Path(run.description()["processes"][3]["log"]).read_text()
    run.wait_for("ws-2 started again")
