"""examples/feed beside the template's product, in browser windows."""

import os
import re
import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.run import Run, copy_repository

NewPage = Callable[..., Page]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("feed")
    run = Run(folder / "run", copy_repository(folder / "repository", "feed"))
    run.wait_for("ready: ")
    yield run
    run.end(signal.SIGINT)


@pytest.fixture(scope="module")
def base_url(run: Run) -> str:
    return str(run.description()["url"])


def write(page: Page, text: str) -> None:
    field = page.locator("#feed-form input")
    field.fill(text)
    field.press("Enter")
    expect(field).to_be_empty()


def expect_texts(page: Page, *texts: str) -> None:
    """Expect exactly these, in the order in which they were stored; the newest stands first."""
    expect(page.locator("#feed li")).to_have_text([re.compile(f": {text}$") for text in reversed(texts)])


def test_windows_show_each_activity_once_and_in_order_over_a_restart(new_page: NewPage, run: Run) -> None:
    alice, bob = new_page(), new_page()
    for page in (alice, bob):
        page.goto("/feed/deploys/")
        expect(page.locator("#feed-state")).to_be_empty()
    write(alice, "one")
    expect_texts(bob, "one")
    write(bob, "two")
    for page in (alice, bob):
        expect_texts(page, "one", "two")
    for name in ("ws-1", "ws-2"):
        process = next(process for process in run.description()["processes"] if process["name"] == name)
        os.kill(process["pid"], signal.SIGKILL)
    expect(alice.locator("#feed-state")).to_have_text("Reconnecting…")
    # Goes out as soon as there is a connection again.
    write(alice, "three")
    carol = new_page()
    carol.goto("/feed/deploys/")
    for page in (alice, bob, carol):
        expect(page.locator("#feed-state")).to_be_empty()
        expect_texts(page, "one", "two", "three")
    write(carol, "four")
    for page in (alice, bob, carol):
        expect_texts(page, "one", "two", "three", "four")
