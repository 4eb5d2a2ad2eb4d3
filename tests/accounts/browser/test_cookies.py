"""The cookies of a visitor."""

from secrets import token_hex

from playwright.sync_api import Page


def test_scripts_can_read_the_csrf_token_only(page: Page) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill(f"user-{token_hex(4)}")
    for label in ("Password", "Password confirmation"):
        page.get_by_label(label, exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/feed/")
    page.goto("/nothing-here/")
    page.get_by_role("button", name="日本語").click()
    page.get_by_role("button", name="English").wait_for()
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert {"sessionid", "guest", "csrftoken", "django_language"} <= cookies.keys()
    readable = page.evaluate("document.cookie")
    for name, cookie in cookies.items():
        # A page must read its CSRF token to send it in a header: docs/api.md.
        assert (name in readable) == (name == "csrftoken")
        assert cookie["sameSite"] == "Lax"
