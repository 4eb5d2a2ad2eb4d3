"""The chat below a path of its host, in windows."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from deploy.local import Stack
from tests.chat.browser.room_page import RoomPage

PREFIX = "/team"


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Stack(tmp_path_factory.mktemp("prefix"), ws_processes=1, environment={"PATH_PREFIX": PREFIX}) as stack:
        yield stack.url


def test_from_the_home_page_into_a_room_where_two_talk(new_page: Callable[..., Page], room: str) -> None:
    alice, bob = RoomPage(new_page()), RoomPage(new_page())
    for window in (alice, bob):
        window.page.goto(f"{PREFIX}/")
        window.page.locator("#room-name-input").fill(room)
        window.page.locator("#room-name-submit").click()
        window.wait_connected()
        expect(window.page).to_have_url(f"{PREFIX}/chat/{room}/")
    alice.say("hello")
    for window in (alice, bob):
        window.expect_transcript("hello")
    # The page of rooms counts them over a socket of its own.
    alice.page.goto(f"{PREFIX}/chat/")
    alice.page.locator("#busy a").filter(has_text=room).click()
    alice.wait_connected().expect_transcript("hello")
