"""A text that is typed and not sent is kept, for its room and its author."""

from collections.abc import Callable
from secrets import token_hex

from playwright.sync_api import Page, expect

from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]
PASSWORD = "correct horse battery"


def sign_up(page: Page) -> str:
    name = f"user-{token_hex(4)}"
    page.goto("/accounts/signup/")
    for field, value in (("username", name), ("password1", PASSWORD), ("password2", PASSWORD)):
        page.locator(f"[name={field}]").fill(value)
    page.locator("main button").click()
    page.wait_for_url("**/chat/")
    return name


def log_in(page: Page, name: str) -> None:
    page.goto("/accounts/login/")
    page.locator("[name=username]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url("**/chat/")


def test_a_draft_outlives_a_reload_another_room_and_back(page: Page, room: str) -> None:
    entered = RoomPage(page).enter(room)
    page.keyboard.type("half a\u3000sentence")
    page.keyboard.press("Shift+Enter")
    typed = entered.input.input_value()
    page.reload()
    expect(entered.wait_connected().input).to_have_value(typed)
    entered.enter(f"{room}-other")
    expect(entered.input).to_have_value("")
    page.keyboard.type("of the other room")
    page.go_back()
    expect(entered.wait_connected().input).to_have_value(typed)
    page.go_forward()
    expect(entered.wait_connected().input).to_have_value("of the other room")


def test_a_sent_text_is_no_draft(page: Page, room: str) -> None:
    entered = RoomPage(page).enter(room)
    page.keyboard.type("sent")
    page.keyboard.press("Enter")
    entered.expect_transcript("sent")
    page.reload()
    entered.wait_connected().expect_transcript("sent")
    expect(entered.input).to_have_value("")
    page.keyboard.type("deleted")
    for _ in "deleted":
        page.keyboard.press("Backspace")
    page.reload()
    expect(entered.wait_connected().input).to_have_value("")


def test_a_draft_belongs_to_its_author(page: Page, room: str) -> None:
    first = sign_up(page)
    entered = RoomPage(page).enter(room)
    page.keyboard.type("by the first")
    page.goto("/chat/")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/chat/")
    sign_up(page)
    expect(entered.enter(room).input).to_have_value("")
    page.goto("/chat/")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/chat/")
    log_in(page, first)
    expect(entered.enter(room).input).to_have_value("by the first")


def test_a_logout_in_another_tab_keeps_what_was_typed(page: Page, room: str) -> None:
    sign_up(page)
    entered = RoomPage(page).enter(room)
    page.keyboard.type("half a sentence")
    other = page.context.new_page()
    other.goto("/chat/")
    other.get_by_role("button", name="Log out").click()
    expect(page.locator("#identity-note")).to_contain_text("You are now")
    expect(entered.wait_connected().input).to_have_value("half a sentence")
    page.reload()
    expect(entered.wait_connected().input).to_have_value("half a sentence")


def test_a_page_whose_storage_is_blocked_sends_all_the_same(page: Page, room: str) -> None:
    page.add_init_script("""
        Object.defineProperty(window, "localStorage", { get() { throw new DOMException("", "SecurityError"); } });
    """)
    entered = RoomPage(page).enter(room)
    entered.say("hello")
    entered.expect_transcript("hello")
