"""Where a message is written: keys, input methods, growth."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]


@pytest.fixture
def entered(page: Page, room: str) -> RoomPage:
    return RoomPage(page).enter(room)


def test_enter_sends_and_shift_enter_breaks_the_line(entered: RoomPage) -> None:
    keyboard = entered.page.keyboard
    keyboard.type("one")
    keyboard.press("Shift+Enter")
    keyboard.type("two")
    expect(entered.input).to_have_value("one\ntwo")
    expect(entered.messages).to_have_count(0)
    keyboard.press("Enter")
    expect(entered.input).to_have_value("")
    expect(entered.messages).to_have_count(1)
    assert entered.messages.locator("p").inner_text() == "one\ntwo"


@pytest.mark.parametrize(
    ("text", "rest"), [("p" * 4000, "the end"), ("\N{GRINNING FACE}" * 4000, "!")], ids=["text", "emoji"]
)
def test_nothing_is_cut_off_a_text_that_is_too_long(entered: RoomPage, text: str, rest: str) -> None:
    entered.page.keyboard.insert_text(text + rest)
    entered.input.press("Enter")
    expect(entered.error).to_have_text("This message is too long. The limit is 4000 characters.")
    expect(entered.input).to_have_value(text + rest)
    expect(entered.messages).to_have_count(0)
    entered.say(text)
    entered.expect_transcript(text)
    expect(entered.error).to_be_hidden()


def test_a_counter_shows_how_much_fits_near_the_limit(entered: RoomPage) -> None:
    counter = entered.page.locator("#chat-counter")
    entered.input.fill("\N{GRINNING FACE}" * 3799)
    expect(counter).to_be_empty()
    entered.page.keyboard.type("ab")
    expect(counter).to_have_text("199 characters left")
    entered.page.keyboard.insert_text("x" * 202)
    expect(counter).to_have_text("3 characters too many")
    entered.page.keyboard.press("Enter")
    expect(entered.error).to_contain_text("too long")
    for _ in range(3):
        entered.page.keyboard.press("Backspace")
    expect(counter).to_have_text("0 characters left")
    entered.page.keyboard.press("Enter")
    expect(entered.messages).to_have_count(1)
    expect(counter).to_be_empty()


def test_enter_on_a_touch_keyboard_breaks_the_line(new_page: NewPage, room: str) -> None:
    page = new_page(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800})
    entered = RoomPage(page).enter(room)
    page.keyboard.type("one")
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    expect(entered.input).to_have_value("one\ntwo")
    expect(entered.input).to_have_attribute("enterkeyhint", "enter")
    entered.submit.tap()
    expect(entered.messages.locator("p")).to_have_text(["one\ntwo"])
    # A keyboard that is connected to the tablet.
    page.keyboard.type("three")
    page.keyboard.press("Control+Enter")
    expect(entered.messages).to_have_count(2)


def test_an_input_methods_composition_is_never_sent(entered: RoomPage) -> None:
    """Enter that accepts a candidate is a keydown too: with isComposing, and with key code 229."""
    page = entered.page
    devtools = page.context.new_cdp_session(page)
    devtools.send("Input.imeSetComposition", {"text": "にほんご", "selectionStart": 4, "selectionEnd": 4})
    expect(entered.input).to_have_value("にほんご")
    # The input method takes the key, so that it brings no text.
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    expect(entered.input).to_have_value("にほんご")
    devtools.send("Input.insertText", {"text": "日本語"})
    expect(entered.input).to_have_value("日本語")
    # Safari ends the composition before the key is told, and gives only the code.
    safari = "new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true })"
    entered.input.evaluate(f"input => input.dispatchEvent({safari})")
    expect(entered.input).to_have_value("日本語")
    expect(entered.messages).to_have_count(0)
    page.keyboard.press("Enter")
    entered.expect_transcript("日本語")
    expect(entered.input).to_have_value("")


@pytest.mark.parametrize("by_itself", [True, False], ids=["by itself", "by script"])
def test_it_grows_with_the_text_and_shrinks_again(new_page: NewPage, room: str, by_itself: bool) -> None:
    page = new_page()
    if not by_itself:
        # As in a browser that does not know field-sizing.
        page.add_init_script("CSS.supports = () => false")
    entered = RoomPage(page).enter(room)
    if not by_itself:
        entered.input.evaluate("input => { input.style.fieldSizing = 'fixed'; }")
    height = "input => input.offsetHeight"
    before = entered.input.evaluate(height)
    entered.input.fill("line\n" * 3)
    grown = entered.input.evaluate(height)
    assert grown > before + 40
    entered.input.fill("line\n" * 100)
    # The transcript keeps its place.
    assert grown < entered.input.evaluate(height) <= 300
    entered.input.press("Enter")
    expect(entered.input).to_have_value("")
    assert entered.input.evaluate(height) == before


def test_only_spaces_are_not_sent(entered: RoomPage) -> None:
    entered.say(" \n ")
    entered.say("something")
    entered.expect_transcript("something")


def test_the_reader_at_the_end_stays_there_while_it_grows(entered: RoomPage) -> None:
    for number in range(30):
        entered.say(f"message {number}")
    expect(entered.messages).to_have_count(30)
    entered.input.fill("line\n" * 8)
    expect(entered.messages.last).to_be_in_viewport(ratio=1)
