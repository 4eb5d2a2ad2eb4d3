"""What web serves, through nginx."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest


@pytest.fixture
def visitor(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base_url, timeout=20) as client:
        yield client


def test_the_root_leads_to_the_chat(visitor):
    response = visitor.get("/", follow_redirects=True)
    assert response.status_code == 200
    assert response.url.path == "/chat/"
    assert 'id="room-name-input"' in response.text
    assert 'id="room-name-submit"' in response.text


@pytest.mark.parametrize("name", ["my-room", "雑談", "x" * 64])
def test_a_room_has_a_page(visitor, name):
    response = visitor.get(f"/chat/{quote(name)}/")
    assert response.status_code == 200
    for identifier in ("chat-log", "chat-message-input", "chat-message-submit"):
        assert f'id="{identifier}"' in response.text


@pytest.mark.parametrize("name", ["a b", "x" * 65, "a.b", "🙂"])
def test_a_name_that_is_no_room_is_not_found(visitor, name):
    assert visitor.get(f"/chat/{quote(name)}/").status_code == 404


def test_a_guest_keeps_a_name_without_a_session(visitor):
    def name() -> str:
        found = re.search(r'class="author">([^<]+)<', visitor.get("/chat/").text)
        assert found
        return found[1]

    first = name()
    assert first == name()
    assert "guest" in visitor.cookies
    assert "sessionid" not in visitor.cookies


def test_a_forged_guest_cookie_is_worth_nothing(visitor):
    visitor.cookies.set("guest", "root:forged")
    assert "root" not in visitor.get("/chat/").text


def test_the_language_follows_the_browser_and_defaults_to_japanese(visitor):
    assert '<html lang="ja">' in visitor.get("/chat/").text
    assert '<html lang="ja">' in visitor.get("/chat/", headers={"Accept-Language": "fr"}).text
    assert '<html lang="en">' in visitor.get("/chat/", headers={"Accept-Language": "en-GB"}).text


def test_sign_up_logs_in_and_log_out_ends_it(visitor, room):
    form = visitor.get("/accounts/signup/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
    assert token
    name, password = f"user-{room}", "correct horse battery"
    response = visitor.post(
        "/accounts/signup/",
        data={"csrfmiddlewaretoken": token[1], "username": name, "password1": password, "password2": password},
        follow_redirects=True,
    )
    assert response.url.path == "/chat/"
    assert name in response.text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', response.text)
    assert token
    response = visitor.post("/accounts/logout/", data={"csrfmiddlewaretoken": token[1]}, follow_redirects=True)
    assert name not in response.text


def test_the_admin_asks_for_a_login(visitor):
    response = visitor.get("/admin/", follow_redirects=True)
    assert response.status_code == 200
    assert response.url.path == "/admin/login/"


def test_static_files_may_be_kept_for_ever_and_come_compressed(visitor):
    styles = re.search(r'href="(/static/web/site\.[0-9a-f]+\.css)"', visitor.get("/chat/").text)
    assert styles
    response = visitor.get(styles[1])
    assert response.status_code == 200
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["content-encoding"] == "gzip"


def test_pages_come_compressed(visitor):
    assert visitor.get("/chat/my-room/").headers["content-encoding"] == "gzip"


def test_probes_are_not_for_visitors(visitor, base_url):
    for path in ("/livez", "/readyz", "/metrics", "//readyz", "/%72eadyz"):
        assert visitor.get(base_url + path).status_code == 404, path
    assert visitor.get("/healthz").text == "ok\n"


def test_a_plain_request_for_a_socket_is_told_to_upgrade(visitor, room):
    response = visitor.get(f"/ws/chat/{room}/")
    assert response.status_code == 426
    assert response.headers["upgrade"] == "websocket"


def test_every_answer_carries_its_request_id_and_no_version(visitor):
    first, second = visitor.get("/chat/"), visitor.get("/chat/")
    assert re.fullmatch("[0-9a-f]{32}", first.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["server"] == "nginx"


def test_forwarding_headers_of_strangers_are_not_believed(visitor):
    response = visitor.get("/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"})
    assert response.headers["location"] == "/chat/"
    response = visitor.get("/chat", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"})
    assert "evil" not in response.headers.get("location", "")
    assert not response.headers.get("location", "").startswith("https")


def test_an_unknown_host_is_refused(visitor):
    assert visitor.get("/chat/", headers={"Host": "evil.example"}).status_code == 421


def test_a_body_over_the_limit_is_refused(visitor):
    assert visitor.post("/accounts/login/", content=b"x" * (64 * 1024 + 1)).status_code == 413


def test_a_header_over_the_limit_is_refused(visitor):
    answer = visitor.get("/chat/", headers={"Cookie": "x" * 9000})
    assert (answer.status_code, answer.headers["content-type"]) == (431, "text/html")
    assert "Cookieなどの情報が大きすぎます" in answer.text
    assert "Delete the cookies of this site" in answer.text
    answer = visitor.get("/api/rooms/lobby/messages", headers={"Cookie": "x" * 9000})
    assert (answer.status_code, answer.json()["error"]["code"]) == (431, "headers_too_large")
    assert visitor.get("/chat/", params={"x": "x" * 9000}).status_code == 414
    # nginx' limit, and no smaller one behind it.
    assert visitor.get("/chat/", params={"x": "x" * 7000}).status_code == 200


def test_robots_may_read_the_index_and_no_room(visitor, room):
    robots = visitor.get("/robots.txt")
    assert robots.headers["content-type"].startswith("text/plain")
    assert {"Disallow: /", "Allow: /chat/$"} <= set(robots.text.splitlines())
    assert '<meta name="robots" content="index">' in visitor.get("/chat/").text
    assert '<meta name="robots" content="noindex">' in visitor.get(f"/chat/{room}/").text


def test_a_link_to_a_page_has_a_preview_and_every_page_an_icon(visitor, base_url, room):
    page = visitor.get(f"/chat/{room}/", headers={"Accept-Language": "en"}).text
    preview = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]+)">', page))
    assert preview["title"] == room
    assert preview["url"] == f"{base_url}/chat/{room}/"
    assert preview["description"] == "A real-time chat on Django Channels. Pick a room and write."
    image = visitor.get(preview["image"])
    assert (image.status_code, image.headers["content-type"]) == (200, "image/png")
    icon = re.search(r'<link rel="icon" href="([^"]+)"', page)
    assert icon
    assert visitor.get(icon[1]).headers["content-type"] == "image/svg+xml"
    assert visitor.get("/favicon.ico", follow_redirects=True).content == image.content
