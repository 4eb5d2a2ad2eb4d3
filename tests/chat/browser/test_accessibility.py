"""Accessibility of the chat's pages, light and dark, phone and desktop; and the keyboard."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.chat.browser.line import Line
from tests.chat.browser.room_page import RoomPage
from tests.support.accessibility import DESKTOP, LOOKS, PHONE, expect_accessible

NewPage = Callable[..., Page]
FOCUSED = "(document.activeElement.textContent.trim() || document.activeElement.id).split('\\n')[0]"
# The composer shows the focus of its input.
HAS_VISIBLE_FOCUS = """[document.activeElement, document.activeElement.closest("form")].some((element) =>
  element && getComputedStyle(element).outlineStyle !== "none")"""


def tab_to_the_first(page: Page) -> None:
    """Put the focus on what the Tab key reaches first in a page that has none."""
    page.locator("header a:visible").first.focus()
    page.keyboard.press("Shift+Tab")


@pytest.fixture(params=LOOKS)
def page(request: pytest.FixtureRequest, new_page: NewPage) -> Page:
    return new_page(**request.param)


@pytest.mark.parametrize(
    "path",
    ["/chat/", "/chat/?room=a%20b"],
)
def test_a_page(page: Page, path: str) -> None:
    page.goto(path)
    expect_accessible(page)


def test_an_empty_room(page: Page, room: str) -> None:
    RoomPage(page).enter(room)
    expect_accessible(page)


def test_a_room_with_all_there_is(page: Page, new_page: NewPage, room: str) -> None:
    line = Line(page)
    entered, other = RoomPage(page).enter(room), RoomPage(new_page()).enter(room)
    for text in ("https://example.com and `code`", "```\nmore code\n```", "long " * 400, "مرحبا", "w" * 500):
        other.say(text)
    expect(entered.messages).to_have_count(5)
    entered.say("mine")
    line.to_server = lambda frame: [] if frame["type"] == "message" else [frame]
    entered.say("on its way")
    entered.log.evaluate("log => { log.scrollTop = -log.scrollHeight; }")
    other.say("new")
    expect(entered.messages).to_have_count(8)
    expect(page.locator("#jump")).to_be_visible()
    line.inject(type="error", code="too_long", detail="…")
    line.inject(type="typing", author="carol")
    expect_accessible(page)
    line.cut()
    expect(entered.connection_state).to_be_visible()
    page.wait_for_function("() => !document.getAnimations().length")
    expect_accessible(page)


def test_the_menus_of_a_phone(new_page: NewPage, room: str) -> None:
    for scheme in ("light", "dark"):
        page = new_page(color_scheme=scheme, viewport=PHONE)
        RoomPage(page).enter(f"{room}-{scheme}")
        expect(page.locator("#members")).to_be_hidden()
        expect(page.locator("#account")).to_be_hidden()
        page.get_by_role("button", name="here").click()
        expect(page.locator("#members li")).to_have_count(1)
        expect(page.locator("#members li")).to_be_visible()
        expect_accessible(page)
        page.keyboard.press("Escape")
        expect(page.locator("#members")).to_be_hidden()
        page.get_by_role("button", name="Account and language").click()
        expect(page.get_by_role("link", name="Log in")).to_be_visible()
        expect_accessible(page)


def test_all_can_be_reached_by_keyboard_in_the_order_of_the_eye(new_page: NewPage, room: str) -> None:
    page = new_page(viewport=DESKTOP)
    entered = RoomPage(page).enter(room)
    entered.say("https://example.com")
    entered.expect_transcript("https://example.com")
    tab_to_the_first(page)
    seen = []
    for _ in range(12):
        seen.append(page.evaluate(FOCUSED))
        assert page.evaluate(HAS_VISIBLE_FOCUS), seen[-1]
        page.keyboard.press("Tab")
    expected = ["Skip to content", "channels-stack", "Change name", "Log in", "日本語", "https://example.com"]
    assert [name for name in seen if name in expected] == expected
    assert seen.index("日本語") < seen.index("chat-message-input") < seen.index("Send") < seen.index("All rooms")


def test_the_skip_link_leads_past_the_bar(page: Page) -> None:
    page.goto("/accounts/login/")
    tab_to_the_first(page)
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("main [name=username]")).to_be_focused()


def test_new_messages_of_others_are_read_out_and_older_ones_are_not(new_page: NewPage, room: str) -> None:
    alice, bob = RoomPage(new_page()).enter(room), RoomPage(new_page()).enter(room)
    announcer = alice.page.locator("[aria-live=polite]#announcer")
    name = bob.page.locator("header .author").inner_text()
    bob.say("hello")
    expect(announcer).to_have_text(f"{name}: hello")
    alice.say("my own")
    alice.expect_transcript("hello", "my own")
    expect(announcer).to_have_text(f"{name}: hello")
    alice.page.reload()
    alice.wait_connected()
    alice.expect_transcript("hello", "my own")
    expect(announcer).to_be_empty()
    # The transcript itself is silent, or older messages would be read out when they come above.
    expect(alice.page.get_by_role("log")).to_have_attribute("aria-live", "off")


def test_each_message_of_a_burst_is_read_out(new_page: NewPage, room: str) -> None:
    page = new_page()
    line = Line(page)
    alice = RoomPage(page).enter(room)
    for seq in range(1, 6):
        frame = {"seq": seq, "id": f"m{seq}", "author": "bob", "sent_at": "2026-11-20T12:00:00.000Z"}
        line.inject(type="message", message=f"message {seq}", **frame)
    spoken = [f"bob: message {number}" for number in range(1, 6)]
    expect(page.locator("#announcer > *")).to_have_text(spoken)
    # Typing is not.
    line.inject(type="typing", author="carol")
    expect(alice.typing).to_contain_text("carol")
    assert alice.typing.evaluate("e => e.closest('[aria-live], [role=status], [role=alert]')") is None


def test_arrow_keys_reach_each_message_with_its_author_and_date(new_page: NewPage, room: str) -> None:
    page = new_page(timezone_id="UTC", locale="en-GB")
    line = Line(page)
    alice = RoomPage(page).enter(room)
    for seq, minute in ((1, "00"), (2, "01")):
        frame = {"seq": seq, "id": f"m{seq}", "author": "bob", "sent_at": f"2026-11-20T12:{minute}:00.000Z"}
        line.inject(type="message", message=f"message {seq}", **frame)
    expect(alice.messages).to_have_count(2)
    alice.log.focus()
    page.keyboard.press("ArrowUp")
    last = page.get_by_role("article", name=re.compile("bob, Friday,? 20 November 2026 at 12:01"))
    expect(last).to_be_focused()
    expect(last.locator("time")).to_have_css("opacity", "1")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("article", name=re.compile("bob, Friday,? 20 November 2026 at 12:00"))).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(last).to_be_focused()
    expect_accessible(page)
    page.keyboard.press("Escape")
    expect(alice.input).to_be_focused()


def test_who_wants_no_motion_sees_none(new_page: NewPage, room: str) -> None:
    page = new_page(reduced_motion="reduce")
    line = Line(page)
    entered = RoomPage(page).enter(room)
    line.cut()
    expect(entered.connection_state).to_be_visible()
    duration = entered.connection_state.evaluate("state => parseFloat(getComputedStyle(state).animationDuration)")
    assert duration <= 0.001
