"""Pages in the language of the browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

NewPage = Callable[..., Page]


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/nothing-here/"])
def test_japanese_pages_have_no_english_words(new_page: NewPage, path: str) -> None:
    page = new_page(locale="ja-JP")
    page.goto(path)
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    author = page.locator(".author").inner_text()
    page.locator(".avatar").first.evaluate_all("found => found.forEach((element) => element.remove())")
    words = set(page.locator("body").inner_text().replace(author, "").split())
    english = {word for word in words if word.isascii() and any(map(str.isalpha, word))}
    assert english == {"channels-stack", "English"}


def test_button_switches_the_language_and_stays_on_the_page(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/accounts/signup/")
    page.get_by_role("button", name="日本語").click()
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    assert page.evaluate("location.pathname") == "/accounts/signup/"
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
