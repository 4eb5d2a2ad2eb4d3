"""Accessibility of the pages of accounts, of errors and of nginx, light and dark, phone and desktop."""

from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Page, expect

from deploy.local.stack import ROOT
from tests.support.accessibility import LOOKS, expect_accessible

NewPage = Callable[..., Page]
NGINX_PAGES = ROOT / "deploy/nginx/errors"


@pytest.fixture(params=LOOKS)
def page(request: pytest.FixtureRequest, new_page: NewPage) -> Page:
    return new_page(**request.param)


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/name/", "/nothing-here/"])
def test_page_is_accessible(page: Page, path: str) -> None:
    page.goto(path)
    expect_accessible(page)


def test_form_with_errors_is_accessible(page: Page) -> None:
    page.goto("/accounts/signup/")
    page.locator("[name=username]").fill("a b")
    page.locator("[name=password1]").fill("short")
    page.locator("[name=password2]").fill("other")
    page.locator("main button").click()
    expect(page.locator(".errorlist").first).to_be_visible()
    expect_accessible(page)


def test_csrf_failure_page_is_accessible(page: Page) -> None:
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
def test_error_page_is_accessible(page: Page, settings, template: str) -> None:
    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": storage}}
    page.route("**/error/", lambda route: route.fulfill(body=render_to_string(template), content_type="text/html"))
    page.goto("/error/")
    assert page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius") != "0px"
    expect_accessible(page)


@pytest.mark.parametrize("name", ["413.html", "429.html", "503.html"])
def test_error_page_of_nginx_is_accessible(page: Page, name: str) -> None:
    # nginx fills in PATH_PREFIX.
    text = (NGINX_PAGES / name).read_text().replace('<!--# echo var="path_prefix" -->', "")
    page.route("**/error/", lambda route: route.fulfill(body=text, content_type="text/html"))
    page.goto("/error/")
    # nginx itself serves the style, whether web is there or not.
    assert page.evaluate("getComputedStyle(document.querySelector('main')).borderRadius") == "12px"
    expect_accessible(page)
