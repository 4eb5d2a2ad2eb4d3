"""Guests keep their name; accounts are made and used through the forms."""

from collections.abc import Callable
from secrets import token_hex

from playwright.sync_api import Page, expect

from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]


def test_sign_up_log_out_log_in(page: Page, room: str) -> None:
    name, password = f"user-{token_hex(4)}", token_hex(12)
    author = page.locator(".author")
    RoomPage(page).enter(room)
    guest = author.inner_text()

    page.get_by_role("link", name="Log in").click()
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Password confirmation").fill(password)
    page.get_by_role("button", name="Sign up").click()
    # Back in the room where the visitor came from.
    entered = RoomPage(page).wait_connected()
    expect(author).to_have_text(name)
    entered.say("hello")
    entered.expect_transcript("hello")

    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#room-name-input")).to_be_focused()
    expect(author).to_have_text(guest)

    RoomPage(page).enter(room)
    page.get_by_role("link", name="Log in").click()
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".errorlist")).to_contain_text("Please enter a correct username and password.")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    RoomPage(page).wait_connected()
    expect(author).to_have_text(name)
    page.reload()
    expect(author).to_have_text(name)
