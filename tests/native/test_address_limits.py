"""nginx's limits per client address. Each test sets low limits, so that few requests exceed them."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.visitors import ALLOWED_AT_ONCE, limited_lines, open_socket, visitor

MANY = 40


def statuses(ask: Callable[[], httpx.Response]) -> list[int]:
    return [ask().status_code for _ in range(MANY)]


def expect_limited(found: list[int], answer: int = 200) -> None:
    """Requests under the limit are answered with ``answer``, and some over it with 429."""
    assert found[:ALLOWED_AT_ONCE] == [answer] * ALLOWED_AT_ONCE
    assert set(found) == {answer, 429}


async def test_sockets_over_the_limit_of_an_address_are_answered_429_and_other_addresses_connect(tmp_path):
    environment = NO_LIMITS | {"MAX_SOCKETS_PER_ADDRESS": "1000"}
    with FeedStack(tmp_path, environment=environment) as stack:
        answers: list[tuple[bytes, asyncio.StreamWriter]] = []
        for _ in range(20):
            answers += await asyncio.gather(*(open_socket(stack) for _ in range(100)))
        found = [answer.split()[1] for answer, _ in answers]
        assert (found.count(b"101"), found.count(b"429")) == (1000, 1000)
        refused = next(answer for answer, _ in answers if b" 429 " in answer)
        assert b"Retry-After: 5\r\n" in refused
        assert {line["path"] for line in limited_lines(stack, "connections")} == {"/ws/feed/lobby/"}
        # Pages have a limit of their own.
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{stack.url}/feed/")).status_code == 200

        other, other_writer = await open_socket(stack, "127.0.0.2")
        assert b" 101 " in other
        # A closed socket frees its slot.
        next(writer for answer, writer in answers if b" 101 " in answer).close()
        deadline = time.monotonic() + 10
        while b" 101 " not in (again := await open_socket(stack))[0]:
            again[1].close()
            assert time.monotonic() < deadline
        for writer in [other_writer, again[1], *(writer for _, writer in answers)]:
            writer.close()


async def test_handshakes_per_address_are_limited(tmp_path):
    with FeedStack(tmp_path, ws_processes=1, environment=NO_LIMITS | {"HANDSHAKE_RATE": "1"}) as stack:
        found = []
        for _ in range(MANY):
            answer, writer = await open_socket(stack)
            found.append(int(answer.split()[1]))
            writer.close()
        expect_limited(found, 101)
        other, writer = await open_socket(stack, "127.0.0.2")
        assert b" 101 " in other
        writer.close()
        assert limited_lines(stack, "handshakes")[0]["path"] == "/ws/feed/lobby/"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    environment = {**NO_LIMITS, "REQUEST_RATE": "1", "ACCOUNT_RATE": "1", "TRUSTED_PROXIES": "127.0.0.9"}
    with FeedStack(tmp_path_factory.mktemp("limits"), ws_processes=1, environment=environment) as stack:
        yield stack


def test_requests_over_the_limit_of_an_address_are_answered_429_with_a_page_or_json(stack):
    with visitor(stack) as client, visitor(stack, "127.0.0.2") as other:
        styles = client.get("/accounts/login/").text.partition('rel="stylesheet" href="')[2].partition('"')[0]
        found = statuses(lambda: client.get("/feed/lobby/"))
        assert set(found) == {200, 429}
        # The budget recovers by one request per second, so most of these still exceed it.
        page = next(answer for _ in range(MANY) if (answer := client.get("/feed/lobby/")).status_code == 429)
        assert page.headers["retry-after"] == "5"
        assert page.headers["content-type"].startswith("text/html")
        assert "アクセス回数の上限を超えました" in page.text
        assert "Too many requests" in page.text
        answer = next(
            answer for _ in range(MANY) if (answer := client.get("/api/feeds/lobby/posts")).status_code == 429
        )
        assert answer.json()["error"]["code"] == "too_many_requests"
        assert answer.headers["retry-after"] == "5"
        assert set(statuses(lambda: client.get(styles))) == {200}
        # Static files have five times the rate, with a burst of 50, also missing ones.
        assert client.get("/static/0.js").status_code == 404
        assert any(client.get(f"/static/{number}.js").status_code == 429 for number in range(10 * MANY))
        assert other.get("/feed/lobby/").status_code == 200
    paths = {line["path"] for line in limited_lines(stack, "requests")}
    assert {"/feed/lobby/", "/api/feeds/lobby/posts"} == {path for path in paths if "/static/" not in path}


def test_forms_that_hash_a_password_have_a_stricter_limit(tmp_path):
    paths = {"/accounts/login/": "127.0.0.5", "/accounts/signup/": "127.0.0.6", "/admin/login/": "127.0.0.7"}
    with FeedStack(tmp_path, ws_processes=1, environment=NO_LIMITS | {"ACCOUNT_RATE": "1"}) as stack:
        for path, source in paths.items():
            with visitor(stack, source) as client:
                # Without the CSRF token, which web checks before it looks at the password.
                expect_limited([client.post(path, data={"username": "alice"}).status_code for _ in range(MANY)], 403)
                assert client.get(path).status_code == 200


def test_requests_under_the_limit_are_served(stack):
    with visitor(stack, "127.0.0.3") as client:
        expect_limited(statuses(lambda: client.get("/feed/")))


@pytest.mark.parametrize(
    ("addresses", "other"),
    [
        (["203.0.113.1"], "203.0.113.2"),
        # A client with one IPv6 address has the whole /64.
        ([f"2001:db8::{number:x}:1" for number in range(1, MANY + 1)], "2001:db8:0:1::1"),
    ],
    ids=["IPv4", "IPv6"],
)
def test_visitors_behind_a_trusted_proxy_are_counted_apart(stack, addresses, other):
    with visitor(stack, "127.0.0.9") as proxy:
        turn = iter(addresses * MANY)
        expect_limited(statuses(lambda: proxy.get("/feed/", headers={"X-Forwarded-For": next(turn)})))
        assert proxy.get("/feed/", headers={"X-Forwarded-For": other}).status_code == 200


def test_x_forwarded_for_of_an_untrusted_address_is_not_counted(stack):
    with visitor(stack, "127.0.0.4") as stranger:
        numbers = iter(range(1, MANY + 1))
        headers = ({"X-Forwarded-For": f"203.0.113.{100 + number}"} for number in numbers)
        expect_limited(statuses(lambda: stranger.get("/feed/", headers=next(headers))))


def test_body_over_the_limit_is_answered_413_with_a_page_or_json(tmp_path: Path):
    with (
        FeedStack(tmp_path, ws_processes=1, environment={"MAX_BODY_KIB": "1"}) as stack,
        visitor(stack) as client,
    ):
        assert client.post("/accounts/login/", content=b"x" * 1024).status_code == 403
        page = client.post("/accounts/login/", content=b"x" * 1025)
        assert page.status_code == 413
        assert "送信内容が大きすぎます" in page.text
        answer = client.post("/api/feeds/lobby/posts", content=b"x" * 1024)
        assert answer.status_code == 401
        answer = client.post("/api/feeds/lobby/posts", content=b"x" * 1025)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
        # Without a Content-Length, nginx counts the bytes that it receives.
        answer = client.post("/api/feeds/lobby/posts", content=iter([b"x" * 1000] * 3))
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
