"""The name of a guest."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

NewPage = Callable[..., Page]


def test_guest_keeps_the_same_name(new_page: NewPage) -> None:
    page = new_page()
    author = page.locator("header .author")
    page.goto("/accounts/name/")
    name = author.inner_text()
    assert name
    page.reload()
    expect(author).to_have_text(name)
    page.get_by_role("button", name="日本語").click()
    expect(page.get_by_role("button", name="English")).to_be_visible()
    expect(author).to_have_text(name)
    other = new_page()
    other.goto("/accounts/name/")
    expect(other.locator("header .author")).not_to_have_text(name)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a#b", "“#” isn’t allowed."),
        ("...", "Use at least one letter, digit or emoji."),
        ("evil\u202e", "Names can’t contain invisible characters."),
    ],
    ids=ascii,
)
def test_deceptive_name_of_a_guest_is_refused(page: Page, name: str, sentence: str) -> None:
    page.goto("/accounts/name/")
    before = page.locator("header .author").inner_text()
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator(".errorlist")).to_have_text(sentence)
    expect(page.locator("header .author")).to_have_text(before)
