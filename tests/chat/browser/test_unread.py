"""What came while nobody looked."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]
HIDE = """isHidden => {
  Object.defineProperty(document, "visibilityState", { value: isHidden ? "hidden" : "visible", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def alice(new_page: NewPage, room: str) -> RoomPage:
    """In a room with more than a window's messages."""
    entered = RoomPage(new_page()).enter(room)
    for number in range(30):
        entered.say(f"message {number}")
    expect(entered.messages).to_have_count(30)
    return entered


@pytest.fixture
def bob(alice: RoomPage, new_page: NewPage, room: str) -> RoomPage:
    return RoomPage(new_page()).enter(room)


def jump(window: RoomPage) -> Locator:
    return window.page.locator("#jump")


def test_a_reader_further_up_is_told_and_jumps_to_the_end(alice: RoomPage, bob: RoomPage, room: str) -> None:
    page = alice.page
    expect(page).to_have_title(f"{room} · channels-stack")
    expect(jump(alice)).to_be_hidden()
    alice.log.evaluate("log => { log.scrollTop = -log.scrollHeight; }")
    expect(jump(alice)).to_have_text("Jump to latest")
    bob.say("one")
    expect(jump(alice)).to_have_text("1 new message")
    bob.say("two")
    expect(jump(alice)).to_have_text("2 new messages")
    expect(page).to_have_title(f"(2) {room} · channels-stack")
    assert alice.log.evaluate("log => log.scrollHeight - log.clientHeight + log.scrollTop") < 2

    jump(alice).press("Enter")
    expect(jump(alice)).to_be_hidden()
    expect(alice.input).to_be_focused()
    expect(alice.messages.last).to_be_in_viewport(ratio=1)
    expect(page).to_have_title(f"{room} · channels-stack")
    # The line stays above the first of them, until the reader has answered.
    line = alice.log.locator(".new")
    expect(line).to_have_text("New messages")
    assert "one" in line.evaluate("line => line.nextElementSibling.textContent")
    alice.say("thank you")
    expect(line).to_have_count(0)


def test_a_window_behind_others_counts_in_its_title(alice: RoomPage, bob: RoomPage, room: str) -> None:
    page = alice.page
    page.evaluate(HIDE, True)
    for text in ("one", "two", "three"):
        bob.say(text)
    expect(page).to_have_title(f"(3) {room} · channels-stack")
    page.evaluate(HIDE, False)
    expect(page).to_have_title(f"{room} · channels-stack")
    expect(alice.log.locator(".new")).to_have_count(1)
    expect(alice.messages.last).to_be_in_viewport(ratio=1)
    # What comes while somebody looks is not new.
    bob.say("four")
    expect(alice.messages.filter(has_text="four")).to_be_visible()
    expect(page).to_have_title(f"{room} · channels-stack")
    page.evaluate(HIDE, True)
    bob.say("five")
    expect(page).to_have_title(f"(1) {room} · channels-stack")
    line = alice.log.locator(".new")
    expect(line).to_have_count(1)
    assert "five" in line.evaluate("line => line.nextElementSibling.textContent")


def test_ones_own_message_from_another_window_is_not_new(alice: RoomPage, room: str) -> None:
    other = RoomPage(alice.page.context.new_page()).enter(room)
    alice.log.evaluate("log => { log.scrollTop = -log.scrollHeight; }")
    other.say("from my phone")
    expect(alice.messages).to_have_count(31)
    expect(jump(alice)).to_have_text("Jump to latest")
    expect(alice.page).to_have_title(f"{room} · channels-stack")
