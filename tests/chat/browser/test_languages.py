"""Japanese and English: by Accept-Language, by the button, and in what the server refuses."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]
TITLES = {"ja": "どのルームに入りますか？", "en": "Which room would you like to enter?"}
# Without what people have called themselves and their rooms.
WORDS = """() => {
  document.querySelectorAll(".avatar, .room-name").forEach((element) => element.remove());
  return document.body.innerText;
}"""


@pytest.mark.parametrize("path", ["/chat/", "/chat/{}/"])
def test_no_english_is_left_on_japanese_pages(new_page: NewPage, room: str, path: str) -> None:
    page = new_page(locale="ja-JP")
    page.goto(path.format(room.replace("room", "雑談")))
    author = page.locator(".author").inner_text()
    words = set(page.evaluate(WORDS).replace(author, "").split())
    english = {word for word in words if word.isascii() and any(map(str.isalpha, word))}
    assert english == {"channels-stack", "English"}


def test_the_button_switches_the_language_and_stays_on_the_page(page: Page, room: str) -> None:
    name = room.replace("room", "雑談")
    entered = RoomPage(page).enter(name)
    expect(entered.submit).to_have_text("Send")
    page.get_by_role("button", name="日本語").click()
    expect(entered.submit).to_have_text("送信")
    assert page.evaluate("decodeURI(location.pathname)") == f"/chat/{name}/"
    page.goto("/chat/")
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES["ja"])
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES["en"])


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [
        ("ja-JP", "メッセージが長すぎます（{}文字まで）。"),
        ("en", "This message is too long. The limit is {} characters."),
    ],
    ids=["ja", "en"],
)
def test_a_refused_message_is_explained_to_its_sender_alone(
    new_page: NewPage, room: str, locale: str, sentence: str
) -> None:
    sender, other = RoomPage(new_page(locale=locale)).enter(room), RoomPage(new_page()).enter(room)
    limit = int(sender.input.get_attribute("data-max") or 0)
    sender.input.evaluate("input => input.removeAttribute('data-max')")
    sender.say("長" * (limit + 1))
    expect(sender.error).to_have_text(sentence.format(limit))
    sender.say("短い")
    expect(sender.error).to_be_hidden()
    sender.expect_transcript("短い")
    other.expect_transcript("短い")
    expect(other.error).to_be_hidden()


def test_an_error_without_a_sentence_of_its_own_shows_the_servers(page: Page) -> None:
    def refuse(socket: WebSocketRoute) -> None:
        socket.send(
            json.dumps({"type": "welcome", "room": "lobby", "you": "guest-abc234", "head": 0, "resumed_from": 0})
        )
        socket.send(json.dumps({"type": "error", "code": "brand_new", "detail": "In the server's words."}))

    page.route_web_socket("**/ws/**", refuse)
    page.goto("/chat/lobby/")
    expect(page.locator("#chat-error")).to_have_text("In the server's words.")
