"""The HTTP API through nginx: what is posted reaches open sockets."""

import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest


@pytest.fixture
def user(base_url: str, room: str) -> Iterator[httpx.Client]:
    """Someone who has just signed up, in a browser's way."""
    with httpx.Client(base_url=base_url, timeout=20) as client:
        password = "correct horse battery"
        csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/accounts/signup/").text)
        assert csrf
        form = {"username": f"api-{room}", "password1": password, "password2": password}
        answer = client.post("/accounts/signup/", data={"csrfmiddlewaretoken": csrf[1], **form})
        assert answer.status_code == 302
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield client


def address(room: str) -> str:
    return f"/api/rooms/{quote(room)}/messages"


async def test_a_post_reaches_open_sockets_of_every_process(join, user, room):
    async with join(room) as alice, join(room) as bob, join(room) as carol, join(room) as dave:
        for number in range(5):
            answer = user.post(address(room), json={"message": f"hello {number}"})
            assert answer.status_code == 201
            assert answer.json()["seq"] == number + 1
            for member in (alice, bob, carol, dave):
                assert await member.receive() == {"message": f"hello {number}"}


async def test_what_is_said_over_a_socket_is_read_over_http(join, user, room):
    name = f"雑談-{room}"
    async with join(name) as alice:
        await alice.say("こんにちは")
        await alice.receive()
    content = user.get(address(name)).json()
    assert (content["head"], content["more"]) == (1, False)
    assert content["messages"][0]["message"] == "こんにちは"


async def test_a_post_that_is_sent_again_is_heard_once(join, user, room):
    async with join(room) as alice:
        assert user.post(address(room), json={"message": "once", "id": "x"}).status_code == 201
        assert user.post(address(room), json={"message": "once", "id": "x"}).status_code == 200
        user.post(address(room), json={"message": "next"})
        assert await alice.receive() == {"message": "once"}
        assert await alice.receive() == {"message": "next"}


def test_a_session_without_the_csrf_token_is_refused(user, room):
    del user.headers["X-CSRFToken"]
    answer = user.post(address(room), json={"message": "hello"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "csrf_failed")


def test_a_stranger_reads_and_may_not_post(base_url, user, room):
    user.post(address(room), json={"message": "hello"})
    assert [message["message"] for message in httpx.get(base_url + address(room)).json()["messages"]] == ["hello"]
    answer = httpx.post(base_url + address(room), json={"message": "hello"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    answer = httpx.post(
        base_url + address(room), json={"message": "hello"}, headers={"Authorization": "Bearer made-up"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_token")
