"""What is typed arrives exactly once, and the window shows how far it is."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.chat.browser.line import Line
from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]


def no_frame(frame: dict[str, Any]) -> list[dict[str, Any]]:
    return []


def test_a_message_is_shown_at_once_then_sent(page: Page, room: str) -> None:
    line = Line(page)
    line.to_server = no_frame
    entered = RoomPage(page).enter(room)
    entered.say("hello")
    expect(entered.input).to_have_value("")
    expect(entered.messages).to_have_count(1)
    expect(entered.messages.locator(".name")).to_have_text(page.locator("header .author").inner_text())
    entered.expect_state("hello", "Sending…")
    entered.expect_transcript()
    line.to_server = lambda frame: [frame]
    line.cut()
    line.mend()
    entered.expect_transcript("hello")
    entered.expect_state("hello", "Sent")
    expect(entered.messages).to_have_count(1)
    expect(entered.messages.locator("time")).not_to_be_empty()


def test_what_others_write_needs_no_state(new_page: NewPage, room: str) -> None:
    alice, bob = RoomPage(new_page()).enter(room), RoomPage(new_page()).enter(room)
    alice.say("hello")
    alice.expect_state("hello", "Sent")
    bob.expect_transcript("hello")
    bob.expect_state("hello", "")
    expect(bob.messages.locator(".name")).to_have_text(alice.page.locator("header .author").inner_text())


def test_the_order_is_the_rooms_when_the_acknowledgement_comes_first(new_page: NewPage, room: str) -> None:
    page, delayed = new_page(), []
    line = Line(page)
    alice, bob = RoomPage(page).enter(room), RoomPage(new_page()).enter(room)
    line.to_page = lambda frame: delayed.append(frame) or [] if frame["type"] == "message" else [frame]
    bob.say("first")
    bob.expect_transcript("first")
    alice.say("second")
    alice.expect_state("second", "Sent")
    alice.expect_transcript("second")
    bob.expect_transcript("first", "second")
    for frame in delayed:
        line.inject(**frame)
    alice.expect_transcript("first", "second")


def test_what_was_typed_without_a_connection_arrives_once(new_page: NewPage, room: str) -> None:
    page = new_page()
    line = Line(page)
    alice, bob = RoomPage(page).enter(room), RoomPage(new_page()).enter(room)
    alice.say("before")
    bob.expect_transcript("before")
    line.cut()
    expect(alice.connection_state).to_contain_text("Reconnecting…")
    for text in ("one", "two", "three"):
        alice.say(text)
        expect(alice.input).to_have_value("")
        alice.expect_state(text, "Sending…")
    bob.say("meanwhile")
    bob.expect_transcript("before", "meanwhile")
    alice.expect_transcript("before")
    line.mend()
    for window in (bob, alice):
        window.expect_transcript("before", "meanwhile", "one", "two", "three")
    alice.expect_state("three", "Sent")
    expect(alice.connection_state).to_be_hidden()
    expect(alice.messages).to_have_count(5)


def test_without_a_network_the_window_says_so(new_page: NewPage, room: str) -> None:
    alice, bob = RoomPage(new_page()).enter(room), RoomPage(new_page()).enter(room)
    expect(alice.connection_state).to_be_hidden()
    alice.page.context.set_offline(True)
    expect(alice.connection_state).to_contain_text("Offline.")
    alice.say("from the tunnel")
    alice.expect_state("from the tunnel", "Sending…")
    bob.say("hello?")
    bob.expect_transcript("hello?")
    alice.page.context.set_offline(False)
    alice.expect_transcript("hello?", "from the tunnel")
    bob.expect_transcript("hello?", "from the tunnel")
    expect(alice.connection_state).to_be_hidden()


def test_a_reload_without_a_connection_loses_nothing(new_page: NewPage, room: str) -> None:
    page = new_page()
    line = Line(page)
    alice, bob = RoomPage(page).enter(room), RoomPage(new_page()).enter(room)
    line.cut()
    expect(alice.connection_state).to_contain_text("Reconnecting…")
    alice.say("one")
    alice.say("two")
    page.reload()
    expect(alice.messages.locator("p")).to_have_text(["one", "two"])
    alice.expect_state("two", "Sending…")
    alice.say("three")
    line.mend()
    for window in (alice, bob):
        window.expect_transcript("one", "two", "three")
    page.reload()
    alice.wait_connected()
    alice.expect_transcript("one", "two", "three")
    expect(alice.messages).to_have_count(3)


def test_a_message_whose_acknowledgement_was_lost_is_not_doubled(new_page: NewPage, room: str) -> None:
    page = new_page()
    line = Line(page)
    alice, bob = RoomPage(page).enter(room), RoomPage(new_page()).enter(room)
    line.to_page = no_frame
    alice.say("once")
    bob.expect_transcript("once")
    alice.expect_state("once", "Sending…")
    line.cut()
    page.reload()
    # The page itself shows that it arrived.
    alice.expect_transcript("once")
    expect(alice.connection_state).to_contain_text("Reconnecting…")
    expect(alice.messages).to_have_count(1)
    line.to_page = lambda frame: [frame]
    line.mend()
    alice.wait_connected()
    # Whatever Alice sent again would have come before this.
    alice.say("and on")
    for window in (alice, bob):
        window.expect_transcript("once", "and on")


def test_two_windows_of_one_visitor_send_each_message_once(page: Page, room: str) -> None:
    line = Line(page)
    first = RoomPage(page).enter(room)
    line.cut()
    expect(first.connection_state).to_contain_text("Reconnecting…")
    first.say("one")
    first.say("two")
    # The second window finds what the first could not send.
    second = RoomPage(page.context.new_page()).enter(room)
    second.expect_transcript("one", "two")
    line.mend()
    first.expect_transcript("one", "two")
    expect(first.messages).to_have_count(2)
    first.say("three")
    for window in (first, second):
        window.expect_transcript("one", "two", "three")
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('chat.'))") == []


def test_what_a_closed_window_sent_without_knowing_is_shown_once_by_another(page: Page, room: str) -> None:
    closing_line = Line(page)
    closing = RoomPage(page).enter(room)
    other_page = page.context.new_page()
    other_line = Line(other_page)
    other = RoomPage(other_page).enter(room)
    closing_line.to_page = no_frame
    closing.say("once")
    other.expect_transcript("once")
    closing.expect_state("once", "Sending…")
    page.close()
    other_line.cut()
    expect(other.connection_state).to_contain_text("Reconnecting…")
    other_line.mend()
    other.say("and on")
    other.expect_transcript("once", "and on")
    expect(other.messages).to_have_count(2)


@pytest.mark.parametrize("action", ["Try again", "Discard"])
def test_a_message_the_server_will_not_take(new_page: NewPage, room: str, action: str) -> None:
    page = new_page()
    line, refused = Line(page), []

    def refuse(frame: dict[str, Any]) -> list[dict[str, Any]]:
        if frame["type"] != "message" or refused:
            return [frame]
        refused.append(frame)
        line.inject(type="error", code="brand_new", detail="In the server's words.", id=frame["id"])
        return []

    alice, bob = RoomPage(page).enter(room), RoomPage(new_page()).enter(room)
    line.to_server = refuse
    alice.say("refused")
    alice.expect_state("refused", "Not sent")
    expect(alice.error).to_have_text("In the server's words.")
    alice.say("taken")
    expect(alice.error).to_be_hidden()
    alice.expect_transcript("taken")
    page.reload()
    alice.wait_connected()
    alice.expect_state("refused", "Not sent")
    page.get_by_role("button", name=action).click()
    expected = ["taken", "refused"] if action == "Try again" else ["taken"]
    expect(alice.messages).to_have_count(len(expected))
    for window in (alice, bob):
        window.expect_transcript(*expected)
    page.reload()
    alice.wait_connected()
    expect(alice.messages).to_have_count(len(expected))


def test_a_message_that_the_database_cannot_store_is_kept_as_not_sent_and_others_go_on(page: Page, room: str) -> None:
    line, attempts = Line(page), []

    def refuse(frame: dict[str, Any]) -> list[dict[str, Any]]:
        if frame.get("message") != "impossible":
            return [frame]
        attempts.append(frame["id"])
        line.inject(type="error", code="unprocessable", detail="…", id=frame["id"])
        return []

    entered = RoomPage(page).enter(room)
    line.to_server = refuse
    entered.say("impossible")
    expect(entered.error).to_have_text("The server can’t save this message. Change it and send it again.")
    entered.expect_state("impossible", "Not sent")
    entered.say("possible")
    entered.expect_transcript("possible")
    assert len(attempts) == 1


def test_while_the_database_is_gone_messages_wait(page: Page, room: str) -> None:
    line, attempts = Line(page), []

    def refuse_once(frame: dict[str, Any]) -> list[dict[str, Any]]:
        if frame["type"] != "message":
            return [frame]
        attempts.append(frame["id"])
        if len(attempts) > 1:
            return [frame]
        line.inject(type="error", code="unavailable", detail="…", id=frame["id"], retry_after=1)
        return []

    entered = RoomPage(page).enter(room)
    line.to_server = refuse_once
    entered.say("patient")
    expect(entered.error).to_have_text(
        "The server can’t save messages right now. Yours will be sent as soon as it can."
    )
    entered.expect_state("patient", "Sending…")
    entered.expect_transcript("patient")
    expect(entered.error).to_be_hidden()
    assert attempts == [attempts[0]] * 2
