"""WCAG 2.2 AA as far as axe-core can tell, on every page, light and dark, phone and desktop; and the keyboard."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template.loader import render_to_string
from playwright.sync_api import Page, expect

from tests.chat.browser.line import Line
from tests.chat.browser.room_page import RoomPage

NewPage = Callable[..., Page]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESKTOP = {"width": 320, "height": 640}, {"width": 1280, "height": 800}
LOOKS = [
    pytest.param({"color_scheme": scheme, "viewport": viewport, "locale": locale}, id=f"{scheme}-{viewport['width']}")
    for scheme, locale in (("light", "ja"), ("dark", "en"))
    for viewport in (PHONE, DESKTOP)
]
NGINX_PAGES = Path(__file__).resolve().parents[3] / "deploy/nginx/errors"
FOCUSED = "(document.activeElement.textContent.trim() || document.activeElement.id).split('\\n')[0]"
# The composer shows the focus of its input.
HAS_VISIBLE_FOCUS = """[document.activeElement, document.activeElement.closest("form")].some((element) =>
  element && getComputedStyle(element).outlineStyle !== "none")"""


def expect_accessible(page: Page) -> None:
    """Fail with axe's own words where it finds a violation, and where the page is wider than the window."""
    results = Axe().run(page, options={"runOnly": TAGS, "resultTypes": ["violations"]})
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"


def tab_to_the_first(page: Page) -> None:
    """Put the focus on what the Tab key reaches first in a page that has none."""
    page.locator("header a:visible").first.focus()
    page.keyboard.press("Shift+Tab")


@pytest.fixture(params=LOOKS)
def page(request: pytest.FixtureRequest, new_page: NewPage) -> Page:
    return new_page(**request.param)


@pytest.mark.parametrize(
    "path",
    ["/chat/", "/chat/?room=a%20b", "/accounts/login/", "/accounts/signup/", "/accounts/name/", "/nothing-here/"],
)
def test_a_page(page: Page, path: str) -> None:
    page.goto(path)
    expect_accessible(page)


def test_a_form_with_errors(page: Page) -> None:
    page.goto("/accounts/signup/")
    page.locator("[name=username]").fill("a b")
    page.locator("[name=password1]").fill("short")
    page.locator("[name=password2]").fill("other")
    page.locator("main button").click()
    expect(page.locator(".errorlist").first).to_be_visible()
    expect_accessible(page)


def test_a_form_that_was_open_too_long(page: Page) -> None:
    page.goto("/accounts/login/")
    page.context.clear_cookies()
    page.locator("[name=username]").fill("alice")
    page.locator("[name=password]").fill("secret")
    with page.expect_response("**/login/") as answer:
        page.locator("main button").click()
    assert answer.value.status == 403
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect_accessible(page)


@pytest.mark.parametrize("template", ["403.html", "500.html", "503.html"])
def test_an_error_that_is_hard_to_cause(page: Page, settings, template: str) -> None:
    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": storage}}
    page.route("**/error/", lambda route: route.fulfill(body=render_to_string(template), content_type="text/html"))
    page.goto("/error/")
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius") != "0px"
    expect_accessible(page)


@pytest.mark.parametrize("name", ["413.html", "429.html", "503.html"])
def test_a_page_of_nginx(page: Page, name: str) -> None:
    # nginx fills in PATH_PREFIX.
    text = (NGINX_PAGES / name).read_text().replace('<!--# echo var="path_prefix" -->', "")
    page.route("**/error/", lambda route: route.fulfill(body=text, content_type="text/html"))
    page.goto("/error/")
    # nginx itself serves the style, whether web is there or not.
    assert page.evaluate("getComputedStyle(document.querySelector('main')).borderRadius") == "12px"
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
