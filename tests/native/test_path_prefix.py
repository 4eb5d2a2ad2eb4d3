"""The whole stack below the path of PATH_PREFIX."""

import re
from collections.abc import Iterator
from urllib.parse import urljoin

import httpx
import pytest

from tests.support.feed_sockets import next_text, open_feed, post
from tests.support.feed_stack import FeedStack

PREFIX = "/team.one/live-app"
ADDRESS = re.compile(r'(?:href|src|action|data-path|data-socket|content)="(/[^"]*)"')


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = {"PATH_PREFIX": f"{PREFIX}/", "REQUEST_RATE": "0"}
    with FeedStack(tmp_path_factory.mktemp("prefix"), ws_processes=1, environment=settings) as stack:
        yield stack.url


@pytest.fixture
def browser(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, follow_redirects=True) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/", "/feed/", "/feed/lobby/", "/accounts/login/", "/accounts/name/", "/admin/", "/nothing/"]
)
def test_every_link_of_a_page_has_the_prefix(browser: httpx.Client, path: str) -> None:
    page = browser.get(PREFIX + path)
    assert page.url.path.startswith(f"{PREFIX}/")
    addresses = set(ADDRESS.findall(page.text))
    assert addresses
    assert [address for address in addresses if not address.startswith(f"{PREFIX}/")] == []
    for address in addresses:
        if "/ws/" not in address and "logout" not in address and "setlang" not in address:
            assert browser.get(address).status_code == 200, address


def test_imports_of_modules_are_served_below_the_prefix(browser: httpx.Client) -> None:
    (script,) = re.findall(r'src="([^"]+)"', browser.get(f"{PREFIX}/feed/lobby/").text)
    imports = re.findall(r'from "([^"]+)"', browser.get(script).text)
    assert imports
    for name in imports:
        assert browser.get(urljoin(script, name)).status_code == 200


def test_cookies_have_the_path_of_the_prefix(browser: httpx.Client) -> None:
    browser.get(f"{PREFIX}/accounts/login/")
    assert {cookie.name for cookie in browser.cookies.jar} >= {"csrftoken", "guest"}
    assert {cookie.path for cookie in browser.cookies.jar} == {f"{PREFIX}/"}


def test_prefix_without_a_slash_is_redirected(url: str) -> None:
    answer = httpx.get(url + PREFIX)
    assert (answer.status_code, answer.headers["location"]) == (308, f"{PREFIX}/")


@pytest.mark.parametrize("prefix", [PREFIX, ""], ids=["as it is", "taken away by a proxy before"])
def test_sockets_and_the_api_are_served_below_the_prefix(url: str, prefix: str) -> None:
    with open_feed(f"{url}{prefix}", origin=url) as socket:
        post(socket, "below")
        assert next_text(socket) == "below"
    answer = httpx.get(f"{url}{prefix}/api/feeds/lobby/posts")
    assert "below" in answer.text
    assert httpx.get(f"{url}{prefix}/api/nothing").json()["error"]["code"] == "not_found"
    assert httpx.get(f"{url}{prefix}/readyz").status_code == 404


def test_error_pages_of_nginx_link_below_the_prefix(browser: httpx.Client) -> None:
    page = browser.post(f"{PREFIX}/feed/", content=b"x" * 70_000)
    assert page.status_code == 413
    assert f'href="{PREFIX}/errors/error.css"' in page.text
    assert browser.get(f"{PREFIX}/errors/error.css").headers["content-type"] == "text/css"
