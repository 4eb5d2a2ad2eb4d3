"""What a page loads: little, from here alone, and nothing that its policy forbids."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Response, expect

from tests.chat.browser.room_page import RoomPage
from tests.support.policy_violations import REPORTS

NewPage = Callable[..., Page]
MAX_BYTES = 75_000
PAGES = ["/chat/", "/chat/{}/", "/accounts/login/", "/nothing-here/"]


@pytest.mark.parametrize("path", PAGES)
def test_script_and_style_are_at_most_75_kb_and_all_is_from_here(
    page: Page, base_url: str, room: str, path: str
) -> None:
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(path.format(room), wait_until="networkidle")
    # Chromium calls the icon "other".
    kinds = {answer.request.resource_type for answer in answers}
    assert kinds <= {"document", "stylesheet", "script", "image", "other"}
    assert [answer.url for answer in answers if not answer.url.startswith(f"{base_url}/")] == []
    loaded = [answer for answer in answers if answer.request.resource_type in {"stylesheet", "script"}]
    assert loaded
    total = sum(len(answer.body()) for answer in loaded)
    assert total <= MAX_BYTES, f"{total} bytes: {[answer.url for answer in loaded]}"


@pytest.mark.parametrize("path", PAGES)
def test_nothing_stands_before_the_first_paint_but_the_stylesheet(page: Page, room: str, path: str) -> None:
    page.goto(path.format(room))
    blocking = page.evaluate(
        "performance.getEntriesByType('resource').filter(({ renderBlockingStatus }) => "
        "renderBlockingStatus === 'blocking').map(({ name }) => name)"
    )
    assert len(blocking) == 1
    assert re.search(r"/site\.[0-9a-f]+\.css$", blocking[0])


def test_a_page_is_painted_though_its_scripts_never_come(page: Page, room: str) -> None:
    page.route("**/*.js", lambda route: None)
    page.goto(f"/chat/{room}/", wait_until="commit")
    expect(page.get_by_role("heading", name=room)).to_be_visible()
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")


@pytest.mark.parametrize("path", PAGES)
def test_the_policy_lets_nothing_inline_through_and_forbids_nothing_of_ours(page: Page, room: str, path: str) -> None:
    page.add_init_script(REPORTS)
    answer = page.goto(path.format(room), wait_until="networkidle")
    assert answer
    policy = answer.headers["content-security-policy"]
    directives = dict(directive.strip().split(" ", 1) for directive in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["base-uri"] == directives["frame-ancestors"] == "'none'"
    assert directives["form-action"] == "'self'"
    assert "unsafe" not in policy
    html = answer.text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", html)
    assert page.evaluate("violations") == []
    # The browser does apply it.
    page.evaluate("() => { document.body.insertAdjacentHTML('beforeend', '<b style=\"color: red\">x</b>'); }")
    page.wait_for_function("() => violations.length")
    assert page.evaluate("violations")[0].startswith("style-src")


def test_a_conversation_breaks_no_rule_of_the_policy(page: Page, room: str) -> None:
    page.add_init_script(REPORTS)
    entered = RoomPage(page).enter(room)
    entered.say("https://example.com `code`\nline")
    expect(entered.messages.locator(".sent")).to_be_visible()
    entered.input.fill("line\n" * 5)
    assert page.evaluate("violations") == []
