"""Who is authenticated by a handshake, by which credential, and what happens where a session cannot be verified."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog
from asgiref.sync import SyncToAsync
from django.contrib.auth import BACKEND_SESSION_KEY
from django.db import OperationalError, connection
from django.test import Client

from accounts import revocations, tickets, tokens
from accounts.models import ApiToken, User
from channels_live.middleware import authentication
from channels_live.middleware.authentication import AuthenticationMiddleware, get_authentication_thread
from channels_live.observability import endpoints as health
from channels_live.observability import metrics
from channels_live.revocation import Revocations
from channels_live.server import refusals as handshakes

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 10
DENIED = ["websocket.http.response.start", "websocket.http.response.body"]


@pytest.fixture
def browser() -> Client:
    """Alice's, logged in."""
    client = Client()
    client.force_login(User.objects.create_user("alice"))
    return client


@pytest.fixture(autouse=True)
async def closed_connection() -> AsyncIterator[None]:
    """The thread outlives the test, and its connection would hold the database."""
    yield
    await get_authentication_thread().run(close_connection)


@pytest.fixture(autouse=True)
def own_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    """structlog keeps what a logger was first used with; another test may capture that of server.refusals later."""
    monkeypatch.setattr(handshakes, "logger", structlog.get_logger("channels_live.server.refusals"))


def close_connection() -> None:
    """Close the one of the thread that calls."""
    connection.close()


@pytest.fixture
def blocked_shared_thread() -> Iterator[None]:
    """An app's synchronous consumer waits in the thread that asgiref shares, and goes on after the test."""
    begun, ended = threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        ended.wait()

    SyncToAsync.single_thread_executor.submit(block)
    assert begun.wait(SECONDS)
    yield
    ended.set()


async def handshake(cookie: str | None = None, query: str = "", **headers: str) -> tuple[str | None, list[Any]]:
    """Return the name of the user who is let in, "" for a guest and None for nobody, and what the server sent."""
    entered: list[str] = []
    sent: list[dict[str, Any]] = []

    async def inner(scope: dict[str, Any], receive: Any, send: Any) -> None:
        entered.append(scope["user"].get_username())

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    given = {**headers, **({"cookie": f"sessionid={cookie}"} if cookie else {})}
    scope = {
        "type": "websocket",
        "path": "/ws/feed/lobby/",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "subprotocols": [],
    }
    await asyncio.wait_for(AuthenticationMiddleware(inner)(scope, None, send), SECONDS)
    return (entered[0] if entered else None), [message.get("code", message["type"]) for message in sent]


def key_of(client: Client) -> str:
    return str(client.cookies["sessionid"].value)


def counted(result: str) -> float:
    return metrics.HANDSHAKES.labels(result)._value.get()


async def test_everybody_logs_in_while_code_of_an_app_blocks_the_shared_thread(browser, blocked_shared_thread):
    # The event loop has a default pool of threads too, which asyncio.to_thread and a look-up of a host use.
    stop = threading.Event()
    loop = asyncio.get_running_loop()
    taken = [loop.run_in_executor(None, stop.wait) for _ in range(50)]
    try:
        assert await handshake(key_of(browser)) == ("alice", [])

        def credentials() -> tuple[str, str]:
            user, token = User.objects.get(), tokens.new_token()
            ApiToken.objects.create(user=user, name="test", digest=tokens.digest(token))
            return token, tickets.issue(user, "session:x")

        token, ticket = await get_authentication_thread().run(credentials)
        assert await handshake(authorization=f"Bearer {token}") == ("alice", [])
        assert await handshake(query=f"ticket={ticket}") == ("alice", [])
        assert await handshake() == ("", [])
    finally:
        stop.set()
        await asyncio.gather(*taken)


async def test_a_token_is_asked_for_before_a_ticket_and_a_ticket_before_the_session(browser):
    ticket = await get_authentication_thread().run(tickets.issue, await get_authentication_thread().run(bob), "token:1")
    assert await handshake(key_of(browser), query="ticket=made-up") == (None, DENIED)
    assert await handshake(key_of(browser), query=f"ticket={ticket}", authorization="Bearer made-up") == (None, DENIED)
    assert await handshake(key_of(browser), query=f"ticket={ticket}") == ("bob", [])


def bob() -> User:
    return User.objects.create_user("bob")


async def test_revocations_are_read_while_code_of_an_app_blocks_the_shared_thread(blocked_shared_thread):
    reader = Revocations(revocations.Table())
    await asyncio.wait_for(reader.read([]), SECONDS)
    assert reader.is_current
    await reader._thread.run(close_connection)


async def test_readiness_is_answered_while_code_of_an_app_blocks_the_shared_thread(settings, blocked_shared_thread):
    settings.REDIS_HOSTS = []
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    probe = health.application({"type": "http", "path": "/readyz", "channels_live.is_draining": False}, None, send)
    await asyncio.wait_for(probe, SECONDS)
    assert sent[0]["status"] == 200
    await asyncio.get_running_loop().run_in_executor(health._probe_thread, close_connection)


async def test_a_session_that_has_ended_is_a_guest(browser):
    key = key_of(browser)
    await get_authentication_thread().run(browser.logout)
    assert await handshake(key) == ("", [])
    assert await handshake("made-up") == ("", [])


async def change(client: Client, **values: object) -> None:
    def save() -> None:
        session = client.session
        session.update(values)
        session.save()

    await get_authentication_thread().run(save)


@pytest.mark.parametrize("kind", ["backend", "undecodable"])
async def test_a_session_that_cannot_be_verified_is_refused_and_logged_once(browser, settings, kind, caplog):
    if kind == "backend":
        await change(browser, **{BACKEND_SESSION_KEY: "ldap.Backend"})
    else:
        settings.SECRET_KEY = "another-key-than-that-of-web-0123456789-0123456789"
    before = counted("session")
    application = AuthenticationMiddleware(None)
    for _ in range(3):
        sent: list[dict[str, Any]] = []
        await application(scope_of(key_of(browser)), None, collect(sent))
        # Not as a guest: web shows the page to alice. Later, since the next release of ws may know the session.
        assert [message.get("code") for message in sent] == [None, 1013]
    assert counted("session") - before == 3
    said = [record.getMessage() for record in caplog.records if record.name == authentication.__name__]
    assert len(said) == 1
    assert ("ldap.Backend" if kind == "backend" else "SECRET_KEY") in said[0]


def scope_of(key: str) -> dict[str, Any]:
    cookie = [(b"cookie", f"sessionid={key}".encode())]
    return {"type": "websocket", "path": "/", "query_string": b"", "headers": cookie, "subprotocols": []}


def collect(sent: list[dict[str, Any]]) -> Any:
    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    return send


@pytest.mark.parametrize("kind", ["deleted", "inactive", "password"])
async def test_a_session_whose_login_is_no_longer_valid_is_closed_with_4401_and_is_no_guest(browser, kind, caplog):
    def end() -> None:
        user = User.objects.get()
        if kind == "deleted":
            user.delete()
        elif kind == "inactive":
            User.objects.update(is_active=False)
        else:
            user.set_password("another")
            user.save()

    await get_authentication_thread().run(end)
    assert await handshake(key_of(browser)) == (None, ["websocket.accept", 4401])
    assert "handshake refused" in caplog.text


def test_a_page_ends_a_session_whose_login_is_no_longer_valid_so_that_page_and_socket_agree(browser):
    key = key_of(browser)
    User.objects.update(is_active=False)
    answer = browser.get("/accounts/login/")
    assert answer.wsgi_request.author.startswith("guest-")
    assert not browser.session.exists(key)
    assert browser.cookies["sessionid"].value == ""


async def test_without_the_database_a_login_is_closed_with_1013(browser, monkeypatch):
    def away(_: object) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(authentication, "load", away)
    before = counted("unavailable")
    assert await handshake(key_of(browser)) == (None, ["websocket.accept", 1013])
    assert counted("unavailable") - before == 1
