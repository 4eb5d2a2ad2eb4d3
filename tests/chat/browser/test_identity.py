"""Nobody writes under another name than their page shows, whatever other tabs of the same browser do."""

from collections.abc import Callable
from secrets import token_hex
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.chat.browser.line import Line
from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]
PASSWORD = "correct horse battery"


def sign_up(page: Page, room: str) -> str:
    """Make an account in this tab, which comes into the room, and return its name."""
    name = f"user-{token_hex(4)}"
    page.goto(f"/accounts/signup/?next=/chat/{room}/")
    for field, value in (("username", name), ("password1", PASSWORD), ("password2", PASSWORD)):
        page.locator(f"[name={field}]").fill(value)
    page.locator("main button").click()
    RoomPage(page).wait_connected()
    return name


def shown(page: Page) -> str:
    return page.locator(".author").inner_text()


def expect_author(page: Page, text: str, name: str) -> None:
    """Wait until the room has the message, and stored it under that name."""
    message = page.locator("#chat-log .message[data-seq]").filter(has_text=text)
    expect(message).to_have_count(1)
    expect(message.locator(".name")).to_have_text(name)


def expect_same_page(page: Page) -> None:
    """The page was not loaded again since ``mark``."""
    assert page.evaluate("window.mark === 1")


def mark(page: Page) -> None:
    page.evaluate("window.mark = 1")


def test_a_login_in_another_tab_changes_this_one_and_keeps_what_was_written(page: Page, room: str) -> None:
    line = Line(page)
    here = RoomPage(page).enter(room)
    guest = shown(page)
    line.cut()
    here.say("written as a guest")
    here.input.press_sequentially("half a senten")
    here.expect_state("written as a guest", "Sending")
    other = RoomPage(page.context.new_page())
    name = sign_up(other.page, room)
    line.mend()

    expect(page.locator(".author")).to_have_text(name)
    here.wait_connected()
    expect(page.locator("#identity-note")).to_contain_text("You are now")
    expect(page.locator("#identity-note")).to_contain_text(name)
    expect(here.input).to_have_value("half a senten")
    # Still the guest's, and offered.
    unsent = here.messages.filter(has_text="written as a guest")
    expect(unsent.locator(".name")).to_have_text(guest)
    here.expect_state("written as a guest", "Not sent")
    # What is sent later is there, so the other would be too.
    here.input.press_sequentially("ce")
    here.input.press("Enter")
    expect_author(other.page, "half a sentence", name)
    other.expect_transcript("half a sentence")
    expect(page.locator("#identity-note")).to_be_empty()

    unsent.get_by_role("button", name="Send as").click()
    expect_author(other.page, "written as a guest", name)
    expect_author(page, "written as a guest", name)


def test_a_login_in_another_tab_reaches_a_tab_that_is_online(page: Page, room: str) -> None:
    here = RoomPage(page).enter(room)
    name = sign_up(page.context.new_page(), room)
    expect(page.locator(".author")).to_have_text(name)
    here.wait_connected().say("hello")
    expect_author(page, "hello", name)
    # Its forms are the account's, too.
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#room-name-input")).to_be_focused()


@pytest.mark.parametrize("is_offline", [True, False])
def test_tabs_of_a_first_visit_become_one_guest(page: Page, room: str, is_offline: bool) -> None:
    line = Line(page)
    here = RoomPage(page).enter(room)
    lost = shown(page)
    mark(page)
    if is_offline:
        line.cut()
        here.say("written as the first")
    # Both requests left before either answer: the cookie of the second replaces that of the first.
    page.context.clear_cookies(name="guest")
    other = RoomPage(page.context.new_page()).enter(room)
    name = shown(other.page)
    assert name != lost
    line.mend()
    expect(page.locator(".author")).to_have_text(name)
    expect(here.log).to_have_attribute("data-author", name)
    expect(page.locator("#identity-note")).to_contain_text(name)
    here.wait_connected().say("hello")
    expect_author(other.page, "hello", name)
    expect(page.locator(".message.own").filter(has_text="hello")).to_be_visible()
    if is_offline:
        other.expect_transcript("hello")
        here.messages.filter(has_text="written as the first").get_by_role("button", name="Send as").click()
        expect_author(other.page, "written as the first", name)
    expect_same_page(page)


def test_a_guests_new_name_is_shown_in_every_tab(new_page: NewPage, room: str) -> None:
    page = new_page(locale="ja-JP")
    here = RoomPage(page).enter(room)
    mark(page)
    here.say("一つ目")
    expect(here.log.locator("[data-seq]")).to_have_count(1)
    other = page.context.new_page()
    other.goto("/chat/")
    other.locator("[name=chosen]").fill("花子")
    other.locator(".you button").click()
    expect(page.locator(".author")).to_contain_text("花子#")
    expect(page.locator("#identity-note")).to_contain_text("として参加しています。")
    here.say("二つ目")
    expect_author(page, "二つ目", shown(page))
    # It is the same guest's.
    expect(page.locator(".message.own")).to_have_count(2)
    expect_same_page(page)


def test_an_accounts_unsent_messages_wait_for_the_account(page: Page, room: str) -> None:
    line = Line(page)
    name = sign_up(page, room)
    here = RoomPage(page)
    line.cut()
    here.say("the account's")
    other = page.context.new_page()
    # Not in the room, where the other tab would send it.
    other.goto("/chat/")
    other.get_by_role("button", name="Log out").click()
    expect(other.locator("#room-name-input")).to_be_focused()
    line.mend()
    expect(page.locator(".author")).to_contain_text("guest-")
    note = page.locator("#identity-note")
    expect(note).to_contain_text("Unsent messages from")
    expect(note).to_contain_text(name)
    here.wait_connected().say("the guest's")
    here.expect_transcript("the guest's")

    page.get_by_role("link", name="Log in").click()
    page.locator("[name=username]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    expect_author(page, "the account's", name)


def test_a_page_that_cannot_agree_with_the_server_writes_nothing(page: Page, room: str) -> None:
    """As with two services whose settings differ: the page is loaded again once, and not for ever."""
    line = Line(page)
    sent: list[dict[str, Any]] = []
    loads: list[str] = []

    def to_page(frame: dict[str, Any]) -> list[dict[str, Any]]:
        return [{**frame, "you": "mallory"}] if frame["type"] == "welcome" else [frame]

    def to_server(frame: dict[str, Any]) -> list[dict[str, Any]]:
        sent.append(frame)
        return [frame]

    line.to_page, line.to_server = to_page, to_server
    page.on("load", lambda: loads.append(page.url))
    page.goto(f"/chat/{room}/")
    expect(page.locator("#identity-note")).to_contain_text("You are no longer connected as")
    expect(page.locator("#identity-note")).to_contain_text(shown(page))
    expect(RoomPage(page).input).to_be_hidden()
    assert len(loads) == 2
    assert [frame for frame in sent if frame["type"] == "message"] == []
