"""The form that makes an account."""

from collections.abc import Callable
from secrets import token_hex

from playwright.sync_api import Page, expect

NewPage = Callable[..., Page]


def test_taken_name_is_refused_in_the_language_of_the_visitor(new_page: NewPage) -> None:
    name, password = f"user-{token_hex(4)}", token_hex(12)
    for page in (new_page(), new_page(locale="ja-JP")):
        page.goto("/accounts/signup/")
        page.locator("[name=username]").fill(name)
        page.locator("[name=password1]").fill(password)
        page.locator("[name=password2]").fill(password)
        page.locator("main button").click()
    expect(page.locator(".errorlist")).to_have_text("同じユーザー名が既に登録済みです。")
