"""The template's own pages through nginx, with any product."""

import re
from secrets import token_hex

import httpx

LOGIN = "/accounts/login/"
# The page for unknown addresses: it has the bar of all pages, for guests and users.
NOT_FOUND = "/nothing-here/"


def author(visitor: httpx.Client) -> str:
    """Return the name that pages show."""
    found = re.search(r'class="author">([^<]+)<', visitor.get(NOT_FOUND).text)
    assert found
    return found[1]


def csrf_token(page: httpx.Response) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found
    return found[1]


def test_root_redirects_to_the_home_page(visitor):
    answer = visitor.get("/")
    assert answer.status_code == 302
    assert visitor.get(answer.headers["location"]).status_code == 200


def test_guest_keeps_a_name_without_a_session(visitor):
    first = author(visitor)
    assert first == author(visitor)
    assert "guest" in visitor.cookies
    assert "sessionid" not in visitor.cookies


def test_forged_guest_cookie_is_ignored(visitor):
    visitor.cookies.set("guest", "root:forged")
    assert author(visitor) != "root"


def test_language_is_the_browsers_and_japanese_by_default(visitor):
    assert '<html lang="ja">' in visitor.get(LOGIN).text
    assert '<html lang="ja">' in visitor.get(LOGIN, headers={"Accept-Language": "fr"}).text
    assert '<html lang="en">' in visitor.get(LOGIN, headers={"Accept-Language": "en-GB"}).text


def test_signup_logs_in_and_logout_logs_out(visitor):
    name, password = f"user-{token_hex(4)}", "correct horse battery"
    form = {"csrfmiddlewaretoken": csrf_token(visitor.get("/accounts/signup/")), "username": name}
    answer = visitor.post("/accounts/signup/", data={**form, "password1": password, "password2": password})
    assert answer.status_code == 302
    assert author(visitor) == name
    token = csrf_token(visitor.get(NOT_FOUND))
    visitor.post("/accounts/logout/", data={"csrfmiddlewaretoken": token}, follow_redirects=True)
    assert author(visitor) != name


def test_admin_redirects_to_its_login(visitor):
    answer = visitor.get("/admin/", follow_redirects=True)
    assert (answer.status_code, answer.url.path) == (200, "/admin/login/")


def test_static_files_are_immutable_and_compressed(visitor):
    styles = re.search(r'href="(/static/web/site\.[0-9a-f]+\.css)"', visitor.get(LOGIN).text)
    assert styles
    answer = visitor.get(styles[1])
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"


def test_pages_are_compressed(visitor):
    assert visitor.get(LOGIN).headers["content-encoding"] == "gzip"


def test_favicon_and_icons_of_pages_are_served(visitor):
    icon = re.search(r'<link rel="icon" href="([^"]+)"', visitor.get(LOGIN).text)
    assert icon
    assert visitor.get(icon[1]).headers["content-type"] == "image/svg+xml"
    assert visitor.get("/favicon.ico", follow_redirects=True).headers["content-type"] == "image/png"


def test_health_checks_of_the_services_are_not_public(visitor, base_url):
    for path in ("/livez", "/readyz", "/metrics", "//readyz", "/%72eadyz"):
        assert visitor.get(base_url + path).status_code == 404, path
    assert visitor.get("/healthz").text == "ok\n"


def test_http_request_below_ws_is_answered_426(visitor):
    answer = visitor.get("/ws/anything/")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")


def test_responses_have_a_request_id_and_no_version(visitor):
    first, second = visitor.get(LOGIN), visitor.get(LOGIN)
    assert re.fullmatch("[0-9a-f]{32}", first.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["server"] == "nginx"


def test_forwarded_headers_of_an_untrusted_address_are_ignored(visitor):
    forged = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    for path in ("/", "/admin", "/accounts/login"):
        location = visitor.get(path, headers=forged).headers.get("location", "")
        assert "evil" not in location
        assert not location.startswith("https")


def test_unknown_host_is_answered_421(visitor):
    assert visitor.get(LOGIN, headers={"Host": "evil.example"}).status_code == 421


def test_body_over_the_limit_is_answered_413(visitor):
    assert visitor.post(LOGIN, content=b"x" * (64 * 1024 + 1)).status_code == 413


def test_header_over_the_limit_is_answered_431(visitor):
    answer = visitor.get(LOGIN, headers={"Cookie": "x" * 9000})
    assert (answer.status_code, answer.headers["content-type"]) == (431, "text/html")
    assert "Cookieなどの情報が大きすぎます" in answer.text
    assert "Delete the cookies of this site" in answer.text
    answer = visitor.get("/api/anything", headers={"Cookie": "x" * 9000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (431, "headers_too_large")


def test_request_line_over_the_limit_is_answered_414(visitor):
    assert visitor.get(LOGIN, params={"x": "x" * 9000}).status_code == 414
    # nginx's limit, and no smaller one behind it.
    assert visitor.get(LOGIN, params={"x": "x" * 7000}).status_code == 200
