"""The tutorial's chat, in real windows."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]


def test_two_in_one_room_see_each_others_messages(new_page: NewPage, room: str) -> None:
    alice, bob = RoomPage(new_page()).enter(room), RoomPage(new_page()).enter(room)
    alice.say("hello")
    alice.expect_transcript("hello")
    bob.expect_transcript("hello")
    bob.say("world")
    alice.expect_transcript("hello", "world")
    bob.expect_transcript("hello", "world")


def test_two_in_different_rooms_do_not(new_page: NewPage, room: str) -> None:
    alice, bob = RoomPage(new_page()).enter(room), RoomPage(new_page()).enter(f"{room}-2")
    alice.say("hello")
    alice.expect_transcript("hello")
    # Were "hello" to reach Bob, it would have come before his own message.
    bob.say("world")
    bob.expect_transcript("world")
    alice.say("again")
    alice.expect_transcript("hello", "again")


def test_two_windows_of_one_visitor_are_two_members(page: Page, room: str) -> None:
    first, second = RoomPage(page).enter(room), RoomPage(page.context.new_page()).enter(room)
    first.say("hello")
    first.expect_transcript("hello")
    second.expect_transcript("hello")


def test_leave_and_come_back(new_page: NewPage, room: str) -> None:
    alice, bob = RoomPage(new_page()).enter(room), RoomPage(new_page()).enter(room)
    alice.say("see you")
    bob.expect_transcript("see you")
    alice.page.get_by_role("link", name="All rooms").click()
    expect(alice.page).to_have_url(re.compile(r"/chat/$"))
    bob.say("she is away")
    bob.expect_transcript("see you", "she is away")
    alice.page.go_back()
    alice.wait_connected()
    bob.say("welcome back")
    expect(alice.log.locator("article p").last).to_have_text("welcome back")
    alice.say("thank you")
    bob.expect_transcript("see you", "she is away", "welcome back", "thank you")


def test_the_root_leads_to_the_index_and_its_input_has_the_focus(page: Page) -> None:
    page.goto("/")
    expect(page).to_have_url(re.compile(r"/chat/$"))
    expect(page.locator("#room-name-input")).to_be_focused()


@pytest.mark.parametrize("go", ["Enter", "button"])
def test_a_japanese_room_name_typed_on_the_index(page: Page, room: str, go: str) -> None:
    name = room.replace("room", "雑談")
    page.goto("/chat/")
    # As an input method hands it over.
    page.keyboard.insert_text(name)
    if go == "Enter":
        page.keyboard.press("Enter")
    else:
        page.locator("#room-name-submit").click()
    entered = RoomPage(page).wait_connected()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    assert page.evaluate("decodeURI(location.pathname)") == f"/chat/{name}/"
    entered.say("こんにちは、世界")
    entered.expect_transcript("こんにちは、世界")


@pytest.mark.parametrize("name", ["two words", "a/b", "sm:)e", "　"])
def test_what_names_no_room_is_refused_on_the_index(page: Page, name: str) -> None:
    page.goto("/chat/")
    page.locator("#room-name-input").fill(name)
    page.locator("#room-name-submit").click()
    expect(page.locator("#room-name-input:invalid")).to_be_focused()
    expect(page).to_have_url(re.compile(r"/chat/$"))


def test_the_message_input_has_the_focus_and_clears_on_send(page: Page, room: str) -> None:
    entered = RoomPage(page).enter(room)
    expect(entered.input).to_be_focused()
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    expect(entered.input).to_have_value("")
    expect(entered.input).to_be_focused()
    entered.input.fill("by button")
    entered.submit.click()
    expect(entered.input).to_have_value("")
    entered.expect_transcript("by keyboard", "by button")


def test_an_empty_message_is_not_sent(page: Page, room: str) -> None:
    entered = RoomPage(page).enter(room)
    entered.say("")
    entered.say("something")
    entered.expect_transcript("something")


def test_markup_in_a_message_is_text(page: Page, room: str) -> None:
    entered = RoomPage(page).enter(room)
    entered.say("<img src=x onerror='document.title = 1'> & <b>bold</b>")
    entered.expect_transcript("<img src=x onerror='document.title = 1'> & <b>bold</b>")
    expect(entered.log.locator("img, b")).to_have_count(0)


def test_a_long_log_follows_its_end_until_the_reader_scrolls_up(new_page: NewPage, room: str) -> None:
    entered, other = RoomPage(new_page()).enter(room), RoomPage(new_page()).enter(room)
    scrolled_to_end = "log => Math.abs(log.scrollTop) < 2"
    for number in range(30):
        entered.say(f"message {number}")
    expect(entered.log.locator("article p")).to_have_count(30)
    assert entered.log.evaluate(scrolled_to_end)
    entered.log.evaluate("log => { log.scrollTop = -log.scrollHeight; }")
    other.say("one more")
    expect(entered.log.locator("article p")).to_have_count(31)
    assert entered.log.evaluate("log => log.scrollHeight - log.clientHeight + log.scrollTop") < 2
    # Whoever writes wants to see it.
    entered.say("and mine")
    expect(entered.log.locator("article p")).to_have_count(32)
    assert entered.log.evaluate(scrolled_to_end)


def test_the_connection_comes_back_and_the_window_says_so(page: Page, room: str) -> None:
    sockets: list[WebSocketRoute] = []

    def pass_on(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket(re.compile("/ws/"), pass_on)
    page.clock.install(time=0)
    entered = RoomPage(page).enter(room)
    expect(entered.connection_state).to_be_hidden()
    # The page's clock stands still, so it waits before its next attempt until we let it.
    page.clock.pause_at(60_000)
    sockets[0].close(code=1012)
    expect(entered.connection_state).to_contain_text("Reconnecting…")
    expect(entered.connection_state).to_be_visible()
    entered.say("too early")
    expect(entered.input).to_have_value("")
    entered.expect_state("too early", "Sending…")
    entered.expect_transcript()
    page.clock.run_for(500)
    entered.wait_connected()
    expect(entered.connection_state).to_be_hidden()
    entered.expect_transcript("too early")
    assert len(sockets) == 2
