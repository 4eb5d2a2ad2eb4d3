"""The chat's pages, through nginx."""

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


def test_robots_may_index_the_list_of_rooms_only(visitor, room):
    robots = visitor.get("/robots.txt")
    assert robots.headers["content-type"].startswith("text/plain")
    assert {"Disallow: /", "Allow: /chat/$"} <= set(robots.text.splitlines())
    assert '<meta name="robots" content="index">' in visitor.get("/chat/").text
    assert '<meta name="robots" content="noindex">' in visitor.get(f"/chat/{room}/").text


def test_link_to_a_page_has_a_preview(visitor, base_url, room):
    page = visitor.get(f"/chat/{room}/", headers={"Accept-Language": "en"}).text
    preview = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]+)">', page))
    assert preview["title"] == room
    assert preview["url"] == f"{base_url}/chat/{room}/"
    assert preview["description"] == "A real-time chat on Django Channels. Pick a room and write."
    image = visitor.get(preview["image"])
    assert (image.status_code, image.headers["content-type"]) == (200, "image/png")
