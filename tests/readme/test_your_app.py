"""The commands and code of docs/your-app.md."""

import ast
import re
import signal
import sys
from itertools import takewhile
from pathlib import Path

import httpx
import pytest
import yaml
from websockets.sync.client import connect

from deploy.local.stack import ROOT
from tests.readme.console import commands, run
from tests.support.run import Run

DOCUMENT = "docs/your-app.md"
TEXT = (ROOT / DOCUMENT).read_text()
POLL, REMOVAL = "## A live poll in less than 60 lines", "## Remove the chat"
# The part of all test functions that does not test the chat, at least.
KEPT = 0.75
FEED = "## A durable activity feed in 30 lines"
SNIPPETS = re.findall(r"^```(python|yaml)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("name", "shown"),
    re.findall(r"^`apps/((?:poll|feed)/\S+\.(?:py|js))`:\n\n```\w+\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL),
    ids=lambda value: value if "\n" not in value else "",
)
def test_snippets_equal_the_files_they_show(name: str, shown: str) -> None:
    assert shown == (ROOT / "examples" / name).read_text()


def add_poll(clone: Path) -> None:
    *steps, start = commands(DOCUMENT, POLL)
    assert start == "make dev"
    for command in steps:
        run(command, clone)


def python(arguments: str, clone: Path, seconds: float = 300) -> None:
    """Run a module of this virtual environment in the clone."""
    run(f"PYTHONPATH=src:services:apps:. {sys.executable} -m {arguments}", clone, seconds)


def count_tests(tree: Path) -> int:
    """Return how many test functions are in a working tree."""
    modules = [ast.parse(path.read_text()) for path in (tree / "tests").rglob("test_*.py")]
    functions = (node for module in modules for node in ast.walk(module))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return sum(isinstance(node, kinds) and node.name.startswith("test_") for node in functions)


@pytest.mark.parametrize("section", [POLL, FEED])
def test_mypy_and_migrations_are_clean_with_an_example_beside_the_chat(clone: Path, section: str) -> None:
    for command in takewhile(lambda command: command != "make dev", commands(DOCUMENT, section)):
        run(command, clone)
    python("mypy", clone)
    run(f"DATABASE_URL=sqlite:///{clone}/db.sqlite3 {sys.executable} manage.py makemigrations --check", clone)


def test_background_process_runs_in_the_stack_and_is_valid_in_compose(clone: Path) -> None:
    add_poll(clone)
    command, order, append, method, service = (text for _, text in SNIPPETS[-5:])
    folder = clone / "apps/poll/management/commands"
    folder.mkdir(parents=True)
    (folder / "count_votes.py").write_text(command)
    stack = clone / "deploy/local/stack.py"
    text = stack.read_text()
    before, after = "        self.processes.append(self._nginx())\n", "    def _service("
    assert text.count(before) == text.count(after) == 1
    text = re.sub(r"^STOP_ORDER = .*\n", order, text, flags=re.MULTILINE)
    stack.write_text(text.replace(before, append + before).replace(after, f"{method}\n{after}"))
    started = Run(clone / ".run", clone, WS_PROCESSES="1")
    started.wait_for("ready: ")
    try:
        log = next(
            Path(process["log"]) for process in started.description()["processes"] if process["name"] == "worker"
        )
        assert log.name == "worker.log"
    finally:
        assert started.end(signal.SIGINT) == 0
    assert "0 votes" in log.read_text()

    compose = clone / "docker-compose.yml"
    compose.write_text(compose.read_text().replace("\n  redis:\n", f"\n{service}\n  redis:\n", 1))
    services = yaml.safe_load(compose.read_text())["services"]
    assert services["worker"]["image"] == services["web"]["image"]
    assert services["worker"]["depends_on"] == services["web"]["depends_on"]


@pytest.mark.timeout(900)
def test_removing_the_chat_leaves_the_poll_and_passing_tests(clone: Path) -> None:
    add_poll(clone)
    run("git add --all && git commit --quiet --message 'Add the poll'", clone)
    before = count_tests(clone)
    for command in commands(DOCUMENT, REMOVAL):
        run(command, clone)
    assert count_tests(clone) >= KEPT * before
    # Nothing that is left imports what is gone.
    python("pytest --collect-only --quiet tests", clone)
    started = Run(clone / ".run", clone)
    ready = started.wait_for("ready: ")
    url = started.description()["url"]
    try:
        assert f"{url}/poll/pizza-for-lunch/" in ready
        with httpx.Client(base_url=url) as visitor:
            assert visitor.get("/chat/").status_code == visitor.get("/api/rooms/lobby/messages").status_code == 404
            assert visitor.get("/accounts/login/").status_code == 200
            assert visitor.get("/admin/", follow_redirects=True).status_code == 200
        socket = f"{url.replace('http', 'ws', 1)}/ws/poll/pizza-for-lunch/"
        with connect(socket, origin=url) as alice, connect(socket, origin=url) as bob:
            assert [alice.recv(10), bob.recv(10)] == ["{}", "{}"]
            alice.send("true")
            assert [alice.recv(10), bob.recv(10)] == ['{"true": 1}'] * 2
    finally:
        assert started.end(signal.SIGINT) == 0
    assert run("git ls-files | grep chat/ || true", clone) == ""
    assert "tests/chat" not in (clone / "Makefile").read_text()
    # Without those that start processes, which are the same with any app.
    python("pytest tests/unit tests/platform/unit tests/accounts/unit", clone, seconds=600)
    for check in ("ruff check .", "ruff format --check .", "mypy", "deploy.local.lint_nginx"):
        python(check, clone)
