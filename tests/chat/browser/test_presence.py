"""Who is in the room, and who is typing."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.chat.browser.line import Line
from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]


def author(window: RoomPage) -> str:
    return window.page.locator("header .author").inner_text()


def test_the_window_shows_how_many_are_in_the_room(new_page: NewPage, room: str) -> None:
    alice = RoomPage(new_page()).enter(room)
    expect(alice.members).to_have_text("1 person here")
    bob = RoomPage(new_page(locale="ja-JP")).enter(room)
    expect(alice.members).to_have_text("2 people here")
    expect(bob.members).to_have_text("参加者2人")
    expect(alice.page.locator("#members li bdi")).to_have_text(sorted([author(alice), author(bob)]))
    expect(alice.page.locator("#members .you bdi")).to_have_text(author(alice))
    bob.page.close()
    expect(alice.members).to_have_text("1 person here")


def test_two_windows_of_one_visitor_are_one_member(page: Page, room: str) -> None:
    first, second = RoomPage(page).enter(room), RoomPage(page.context.new_page()).enter(room)
    for window in (first, second):
        expect(window.members).to_have_text("1 person here")


def test_without_a_connection_nobody_is_counted(page: Page, room: str) -> None:
    line = Line(page)
    entered = RoomPage(page).enter(room)
    expect(entered.members).to_have_text("1 person here")
    line.cut()
    expect(entered.members).to_be_hidden()
    line.mend()
    expect(entered.members).to_be_visible()


def test_others_see_who_is_typing(new_page: NewPage, room: str) -> None:
    alice, bob = RoomPage(new_page()).enter(room), RoomPage(new_page()).enter(room)
    expect(alice.members).to_have_text("2 people here")
    bob.input.press_sequentially("hel")
    expect(alice.typing).to_have_text(f"\u2068{author(bob)}\u2069 is typing…")
    bob.say("hello")
    alice.expect_transcript("hello")
    expect(alice.typing).to_be_empty()


def test_typing_fades_and_several_are_counted_together(page: Page, room: str) -> None:
    line = Line(page)
    page.clock.install()
    entered = RoomPage(page).enter(room)
    # Our own, from here or from another window, is no news.
    line.inject(type="typing", author=author(entered))
    line.inject(type="typing", author="bob")
    expect(entered.typing).to_have_text("\u2068bob\u2069 is typing…")
    line.inject(type="typing", author="carol")
    expect(entered.typing).to_have_text("Several people are typing…")
    page.clock.run_for(5000)
    expect(entered.typing).to_be_empty()
