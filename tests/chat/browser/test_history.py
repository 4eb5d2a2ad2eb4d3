"""Reading what was said before: in the page itself, above it, and what a moderator took away."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.chat.browser.line import Line
from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]
POST = """async ([path, texts]) => {
  const socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")), "chat.v1");
  await new Promise((resolve) => {
    let missing = texts.length;
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      // One by one, so that the order is that of the texts.
      if (frame.type === "ack") missing -= 1;
      if (frame.type !== "ack" && frame.type !== "welcome") return;
      if (!missing) return resolve();
      const message = texts[texts.length - missing];
      socket.send(JSON.stringify({ type: "message", id: crypto.randomUUID(), message }));
    };
  });
  socket.close();
}"""
SCROLL_TO_TOP = """item => {
  const log = item.closest("#chat-log");
  log.scrollTop = -log.scrollHeight;
  return item.getBoundingClientRect().top;
}"""


def post(page: Page, room: str, texts: list[str]) -> None:
    """Store messages in the room, from a window that is not in it."""
    page.goto("/chat/")
    page.evaluate(POST, [f"/ws/chat/{room}/", texts])


def test_a_reload_keeps_the_history(new_page: NewPage, room: str) -> None:
    alice, bob = RoomPage(new_page()).enter(room), RoomPage(new_page()).enter(room)
    alice.say("one")
    bob.expect_transcript("one")
    bob.say("two")
    alice.expect_transcript("one", "two")
    alice.page.reload()
    alice.wait_connected()
    alice.expect_transcript("one", "two")
    bob.say("three")
    alice.expect_transcript("one", "two", "three")
    carol = RoomPage(new_page()).enter(room)
    carol.expect_transcript("one", "two", "three")


def test_what_is_said_while_the_page_is_not_yet_connected_is_not_missed(new_page: NewPage, room: str) -> None:
    page = new_page()
    line = Line(page)
    line.cut()
    bob = RoomPage(new_page()).enter(room)
    bob.say("before")
    bob.expect_transcript("before")
    page.goto(f"/chat/{room}/")
    alice = RoomPage(page)
    alice.expect_transcript("before")
    bob.say("meanwhile")
    bob.expect_transcript("before", "meanwhile")
    line.mend()
    alice.expect_transcript("before", "meanwhile")


def test_the_newest_messages_are_readable_without_a_script(new_page: NewPage, room: str) -> None:
    writer = new_page()
    post(writer, room, [f"message {number}" for number in range(1, 61)] + ["<b>bold</b>"])
    name = writer.locator("header .author").inner_text()
    page = new_page(java_script_enabled=False)
    page.goto(f"/chat/{room}/")
    expect(page.locator("#chat-log article p")).to_have_text(
        [f"message {number}" for number in range(12, 61)] + ["<b>bold</b>"]
    )
    last = page.locator("#chat-log .message").last
    expect(last.locator(".name")).to_have_text(name)
    expect(last.locator("time")).not_to_be_empty()
    assert "T" in (last.locator("time").get_attribute("datetime") or "")


def test_times_are_those_of_the_readers_zone(new_page: NewPage, room: str) -> None:
    writer = new_page()
    post(writer, room, ["hello"])
    shown = []
    for zone in ("Asia/Tokyo", "Asia/Kolkata"):
        reader = RoomPage(new_page(timezone_id=zone, locale="en-GB")).enter(room)
        time = reader.messages.locator("time")
        local = time.evaluate(
            "time => new Date(time.dateTime).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })"
        )
        expect(time).to_contain_text(local)
        shown.append(local)
    assert shown[0] != shown[1]


def test_older_messages_come_when_scrolled_to_the_top_without_a_jump(new_page: NewPage, room: str) -> None:
    texts = [f"message {number}" for number in range(1, 131)]
    post(new_page(), room, texts)
    reader = RoomPage(new_page()).enter(room)
    reader.expect_transcript(*texts[80:])
    for oldest, first in ((30, 80), (0, 30)):
        top = reader.messages.filter(has_text=texts[first])
        before = top.evaluate(SCROLL_TO_TOP)
        reader.expect_transcript(*texts[oldest:])
        assert abs(top.evaluate("item => item.getBoundingClientRect().top") - before) < 2
    # The room's beginning: nothing more to ask for.
    reader.log.evaluate("log => { log.scrollTop = -log.scrollHeight; }")
    reader.say("the end")
    reader.expect_transcript(*texts, "the end")


def test_older_messages_fill_a_window_that_is_higher_than_several_pages(new_page: NewPage, room: str) -> None:
    texts = [f"message {number}" for number in range(1, 131)]
    post(new_page(), room, texts)
    reader = RoomPage(new_page(viewport={"width": 800, "height": 10_000})).enter(room)
    reader.expect_transcript(*texts)


def test_older_messages_asked_for_without_a_connection_come_later(new_page: NewPage, room: str) -> None:
    texts = [f"message {number}" for number in range(1, 61)]
    post(new_page(), room, texts)
    page = new_page()
    line = Line(page)
    reader = RoomPage(page).enter(room)
    line.cut()
    expect(reader.connection_state).to_contain_text("Reconnecting…")
    reader.log.evaluate("log => { log.scrollTop = -log.scrollHeight; }")
    line.mend()
    reader.expect_transcript(*texts)


def test_a_removed_message_disappears_from_an_open_page(new_page: NewPage, room: str) -> None:
    page = new_page()
    line = Line(page)
    entered = RoomPage(page).enter(room)
    for text in ("one", "two", "three"):
        entered.say(text)
    entered.expect_transcript("one", "two", "three")
    line.inject(type="removed", seq=2)
    entered.expect_transcript("one", "three")
    expect(entered.messages.nth(1)).to_contain_text("This message was removed.")
    # One that this page does not show.
    line.inject(type="removed", seq=99)
    entered.say("four")
    entered.expect_transcript("one", "three", "four")


def test_messages_removed_before_say_so_when_they_are_replayed(new_page: NewPage, room: str) -> None:
    page = new_page(locale="ja-JP")
    line = Line(page)
    entered = RoomPage(page).enter(room)
    removed = {"message": "", "removed": True}
    line.to_page = lambda frame: [{**frame, **removed} if frame["type"] == "message" else frame]
    RoomPage(new_page()).enter(room).say("gone")
    expect(entered.messages).to_contain_text("このメッセージは削除されました。")
    entered.expect_transcript()


def test_after_a_reset_the_log_is_what_the_room_has_now(new_page: NewPage, room: str) -> None:
    page = new_page()
    line = Line(page)
    alice, bob = RoomPage(page).enter(room), RoomPage(new_page()).enter(room)
    alice.say("one")
    alice.expect_transcript("one")
    line.cut()
    bob.say("two")
    bob.expect_transcript("one", "two")
    alice.say("three")

    # The server tells this window that it does not know its number.
    def forget(frame: dict) -> list[dict]:
        if frame["type"] != "welcome":
            return [frame]
        line.to_page = lambda later: [] if later["type"] == "message" and later["seq"] <= frame["head"] else [later]
        return [frame, {"type": "reset", "head": frame["head"]}]

    line.to_page = forget
    line.mend()
    for window in (alice, bob):
        window.expect_transcript("one", "two", "three")


def test_an_answer_from_before_a_reset_is_not_shown(new_page: NewPage, room: str) -> None:
    texts = [f"message {number}" for number in range(1, 61)]
    post(new_page(), room, texts)
    page, answers = new_page(), []
    line = Line(page)

    def hold(frame: dict) -> list[dict]:
        if frame["type"] == "history":
            answers.append(frame)
        # The server's own count may come at any time, and would take the injected one's place.
        return [] if frame["type"] in ("history", "presence") else [frame]

    line.to_page = hold
    reader = RoomPage(page).enter(room)
    reader.log.evaluate("log => { log.scrollTop = -log.scrollHeight; }")
    line.wait(lambda: len(answers) == 1)
    line.inject(type="reset", head=60)
    line.wait(lambda: len(answers) == 2)
    line.inject(**answers[0])
    line.inject(type="presence", count=99, members=[])
    expect(reader.members).to_have_text("99 people here")
    reader.expect_transcript()
    line.to_page = lambda frame: [frame]
    line.inject(**answers[1])
    reader.expect_transcript(*texts[10:])


@pytest.mark.parametrize("scripts", ["none", "late"])
def test_a_page_starts_at_the_newest_message_before_any_script(new_page: NewPage, room: str, scripts: str) -> None:
    post(new_page(), room, [f"message {number}" for number in range(60)])
    page = new_page(java_script_enabled=scripts != "none")
    page.route("**/*.js", lambda route: None)
    page.goto(f"/chat/{room}/", wait_until="commit")
    expect(page.get_by_text("message 59", exact=True)).to_be_in_viewport()
