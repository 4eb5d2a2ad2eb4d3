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


def test_user_name_in_the_form_of_a_guests_is_refused(page: Page) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill("guest-k7m2xq")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_label("Password confirmation").fill("correct horse battery")
    page.get_by_role("button", name="Sign up").click()
    expect(page.locator(".errorlist")).to_have_text("That form is reserved for guests. Choose another username.")
