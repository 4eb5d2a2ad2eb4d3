"""examples/poll beside the template's product, in browser windows."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.run import Run, copy_repository

NewPage = Callable[..., Page]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("poll")
    run = Run(folder / "run", copy_repository(folder / "repository", "poll"))
    run.wait_for("ready: ")
    yield run
    run.end(signal.SIGINT)


@pytest.fixture(scope="module")
def base_url(run: Run) -> str:
    return str(run.description()["url"])


def expect_result(page: Page, yes: int, no: int) -> None:
    expect(page.locator("output[name=true]")).to_have_text(str(yes))
    expect(page.locator("output[name=false]")).to_have_text(str(no))


def test_windows_show_each_vote_also_after_their_process_was_killed(new_page: NewPage, run: Run) -> None:
    alice, bob = new_page(), new_page()
    for page in (alice, bob):
        page.goto("/poll/")
        expect(page).to_have_title("pizza-for-lunch · channels-stack")
        expect_result(page, 0, 0)
    alice.get_by_label("Yes").check()
    for page in (alice, bob):
        expect_result(page, 1, 0)
    for name in ("ws-1", "ws-2"):
        process = next(process for process in run.description()["processes"] if process["name"] == name)
        os.kill(process["pid"], signal.SIGKILL)
    expect(alice.locator("#poll-state")).to_have_text("Reconnecting…")
    # Goes out as soon as there is a connection again.
    bob.get_by_label("No").check()
    for page in (alice, bob):
        expect(page.locator("#poll-state")).to_be_empty()
        expect_result(page, 1, 1)
    # Who votes again, or differently, or in a second window, has voted already.
    bob.get_by_label("Yes").check()
    bob.reload()
    bob.get_by_label("Yes").check()
    carol = new_page()
    carol.goto("/poll/pizza-for-lunch/")
    carol.get_by_label("No").check()
    for page in (alice, bob, carol):
        expect_result(page, 1, 2)
