"""The page where a room is picked, and one's own name."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.chat.browser.line import Line
from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]


def link(page: Page, section: str, room: str) -> Locator:
    return page.locator(f"#{section}-rooms [data-room='{room}']")


def test_a_room_that_was_written_in_is_recent(new_page: NewPage, room: str) -> None:
    entered = RoomPage(new_page()).enter(room)
    page = new_page(java_script_enabled=False)
    page.goto("/chat/")
    # Nobody has said anything yet.
    expect(link(page, "recent", room)).to_have_count(0)
    entered.say("hello")
    entered.expect_transcript("hello")
    page.reload()
    expect(page.locator("#recent-rooms [data-room]").first).to_have_attribute("data-room", room)
    link(page, "recent", room).click()
    expect(page).to_have_url(re.compile(f"/chat/{room}/$"))
    expect(page.locator("#rooms [aria-current=page]")).to_have_attribute("data-room", room)


def test_the_members_of_a_room_are_counted_as_they_come_and_go(new_page: NewPage, room: str) -> None:
    page = new_page()
    page.goto("/chat/")
    alice = RoomPage(new_page()).enter(room)
    expect(link(page, "busy", room).locator(".count")).to_have_text("1 person here")
    bob = RoomPage(new_page()).enter(room)
    expect(link(page, "busy", room).locator(".count")).to_have_text("2 people here")
    # Who comes now sees it at once, whatever process answers.
    for _ in range(2):
        other = new_page(locale="ja-JP")
        other.goto("/chat/")
        expect(link(other, "busy", room).locator(".count")).to_have_text("参加者2人")
    alice.say("hello")
    bob.expect_transcript("hello")
    page.reload()
    expect(link(page, "recent", room).locator(".count")).to_have_text("2 people here")
    for window in (alice, bob):
        window.page.close()
    expect(link(page, "busy", room)).to_have_count(0)
    expect(link(page, "recent", room).locator(".count")).to_be_hidden()


def test_two_windows_of_one_visitor_count_once(new_page: NewPage, room: str) -> None:
    visitor, page = new_page(), new_page()
    for window in (visitor, visitor.context.new_page(), visitor.context.new_page()):
        RoomPage(window).enter(room)
    page.goto("/chat/")
    expect(link(page, "busy", room).locator(".count")).to_have_text("1 person here")


def test_a_busy_room_is_entered_by_its_link(new_page: NewPage, room: str) -> None:
    name = room.replace("room", "雑談")
    RoomPage(new_page()).enter(name)
    page = new_page()
    page.goto("/chat/")
    link(page, "busy", name).click()
    RoomPage(page).wait_connected()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_counts_come_back_after_a_lost_connection(new_page: NewPage, room: str) -> None:
    page = new_page()
    sockets = []
    page.route_web_socket("**/ws/rooms/", lambda socket: sockets.append((socket, socket.connect_to_server())))
    RoomPage(new_page()).enter(room)
    page.goto("/chat/")
    expect(link(page, "busy", room)).to_be_visible()
    for end in sockets[0]:
        end.close(code=1012)
    # What is not known is not claimed.
    expect(page.locator("#busy")).to_be_hidden()
    expect(link(page, "busy", room)).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_room_is_picked_by_typing(new_page: NewPage, room: str, scripts: bool) -> None:
    page = new_page(java_script_enabled=scripts)
    page.goto("/chat/")
    page.locator("#room-name-input").fill(f" {room} ")
    page.locator("#room-name-submit").click()
    expect(page).to_have_url(re.compile(f"/chat/{room}/$"))
    expect(page.get_by_role("heading", name=room)).to_be_visible()


def test_without_javascript_one_can_read_and_log_in(new_page: NewPage, room: str) -> None:
    RoomPage(new_page()).enter(room).say("hello")
    page = new_page(java_script_enabled=False)
    page.goto("/chat/?room=a%20b")
    expect(page.locator("#room-name-help.wrong")).to_be_visible()
    expect(page.locator("#room-name-input")).to_have_value("a b")
    page.goto(f"/chat/{room}/")
    expect(page.locator(".message p")).to_have_text("hello")
    expect(page.locator("#chat-form")).to_be_hidden()
    expect(page.get_by_text("Sending messages needs JavaScript.")).to_be_visible()
    page.get_by_role("link", name="Log in").click()
    expect(page.get_by_label("Username")).to_be_visible()


def test_a_guest_chooses_a_name_and_stays_the_same_guest(new_page: NewPage, room: str) -> None:
    page, bob = new_page(), RoomPage(new_page()).enter(room)
    line = Line(page)
    alice = RoomPage(page).enter(room)
    tag = page.locator("header .author").inner_text().removeprefix("guest-")
    alice.say("before")
    bob.expect_transcript("before")
    line.cut()
    expect(alice.connection_state).to_contain_text("Reconnecting…")
    alice.say("not sent yet")
    page.goto("/chat/")
    page.get_by_label("New name").fill("  山田 花子 ")
    page.get_by_role("button", name="Change", exact=True).click()
    name = f"山田 花子#{tag}"
    expect(page.locator("header .author")).to_have_text(name)
    expect(page.locator(".you .avatar")).to_have_text("山花")
    line.mend()
    alice.enter(room)
    # What the old name could not send goes out under the new one.
    bob.expect_transcript("before", "not sent yet")
    alice.say("after")
    bob.expect_transcript("before", "not sent yet", "after")
    expect(bob.messages.locator(".name").last).to_have_text(name)
    expect(alice.page.locator("#members .you bdi")).to_have_text(name)
    expect(alice.log.locator(".message.own")).to_have_count(3)
