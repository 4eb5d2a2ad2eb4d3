"""Authentication and revocation of sockets, in two ws processes behind nginx, also without Redis."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from deploy.local import Stack
from tests.support.accounts import close_code, log_in, log_in_new, make_user, session_of, shell
from tests.support.client import FEED
from tests.support.feed_sockets import next_frame, next_text, open_feed, post
from tests.support.feed_stack import FeedStack

# How long a socket may stay open after a revocation.
SECONDS = 5
ALLOWED = "https://app.example.net"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"ALLOWED_ORIGINS": ALLOWED, "LOG_LEVEL": "DEBUG"}
    with FeedStack(tmp_path_factory.mktemp("revocation"), ws_processes=2, environment=environment) as stack:
        yield stack


def open_socket(
    stack: Stack, feed: str, browser: httpx.Client | None = None, process: str = "nginx", **options: object
) -> ClientConnection:
    return open_feed(stack.process(process).url, feed, **{"additional_headers": session_of(browser), **options})  # type: ignore[arg-type]


def name_in(socket: ClientConnection) -> str:
    """Return the name of the user whom ws takes the client for; a guest has none."""
    return str(next_frame(socket, "welcome")["you"])


def test_token_authenticates_a_native_client_and_an_invalid_one_is_answered_401(stack):
    token = make_user(stack, "native")
    bearer = {"Authorization": f"Bearer {token}"}
    with open_socket(stack, "a", origin=None, additional_headers=bearer) as socket:
        assert name_in(socket) == "native"
        shell(stack, "from accounts.models import *\nApiToken.objects.filter(user__username='native').delete()")
        assert close_code(socket) == 4401
    with pytest.raises(InvalidStatus) as refused:
        open_socket(stack, "a", origin=None, additional_headers=bearer)
    assert refused.value.response.status_code == 401
    assert refused.value.response.headers["www-authenticate"] == "Bearer"


def test_ticket_opens_one_socket_and_is_not_logged(stack):
    token = make_user(stack, "app")
    answer = httpx.post(f"{stack.url}/api/tickets", headers={"Authorization": f"Bearer {token}", "Origin": ALLOWED})
    assert answer.headers["access-control-allow-origin"] == ALLOWED
    ticket = answer.json()["ticket"]
    with open_socket(stack, "a", query=f"?ticket={ticket}", origin=ALLOWED) as socket:
        assert name_in(socket) == "app"
    for process in ("nginx", "ws-1", "ws-2"):
        with pytest.raises(InvalidStatus) as refused:
            open_socket(stack, "a", process=process, query=f"?ticket={ticket}", origin=ALLOWED)
        assert refused.value.response.status_code == 401
    for log in (stack.directory / "log").iterdir():
        text = log.read_text()
        assert ticket not in text, log.name
        assert token not in text, log.name


def test_one_of_many_simultaneous_handshakes_with_one_ticket_is_accepted(stack):
    headers = {"Authorization": f"Bearer {make_user(stack, 'shared')}"}
    for _ in range(5):
        ticket = httpx.post(f"{stack.url}/api/tickets", headers=headers).json()["ticket"]

        def come(process: str, query: str = f"?ticket={ticket}") -> str | int:
            try:
                with open_socket(stack, "a", process=process, query=query) as socket:
                    return name_in(socket)
            except InvalidStatus as refused:
                return refused.response.status_code

        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(come, ["ws-1", "ws-2"] * 6))
        assert sorted(answers, key=str) == [401] * 11 + ["shared"]


def test_session_that_ws_cannot_verify_is_closed_with_1013(stack):
    """As where web has an authentication backend that ws does not know: its page shows the user's name."""
    browser = log_in_new(stack, "elsewhere")
    shell(
        stack,
        "from django.contrib.sessions.backends.db import SessionStore\n"
        f"session = SessionStore({browser.cookies['sessionid']!r})\n"
        "session['_auth_user_backend'] = 'ldap.Backend'\nsession.save()",
    )
    with open_socket(stack, "a", browser, process="ws-1") as socket:
        assert close_code(socket) == 1013
    log = (stack.directory / "log/ws-1.log").read_text()
    assert "'ldap.Backend' cannot be verified" in log
    # web does not know the backend either: the page is a guest's, without the session, and so is its socket.
    browser.get("/accounts/login/")
    assert "sessionid" not in browser.cookies
    with open_socket(stack, "a", process="ws-1") as socket:
        assert name_in(socket) == ""


def test_revocation_closes_the_sockets_of_its_subject_in_every_process_without_redis(stack):
    make_user(stack, "alice")
    make_user(stack, "bob")
    here, elsewhere, bob = log_in(stack, "alice"), log_in(stack, "alice"), log_in(stack, "bob")
    with ExitStack() as sockets:

        def enter(browser: httpx.Client | None, process: str) -> ClientConnection:
            socket = sockets.enter_context(open_socket(stack, "lobby", browser, process))
            name_in(socket)
            return socket

        both = ("ws-1", "ws-2")
        mine = [enter(here, process) for process in both]
        others = [enter(elsewhere, process) for process in both]
        stay = [enter(browser, process) for process in both for browser in (bob, None)]
        stack.process("redis").kill()
        here.post("/accounts/logout/")
        begun = time.monotonic()
        assert [close_code(socket) for socket in mine] == [4401, 4401]
        assert time.monotonic() - begun < SECONDS
        shell(
            stack,
            "from accounts.models import *\nalice = User.objects.get(username='alice')\n"
            "alice.set_password('another one')\nalice.save()",
        )
        assert [close_code(socket) for socket in others] == [4401, 4401]
        # Sockets without a revoked subject are still open.
        for socket in stay:
            post(socket, "hello")
            assert next_text(socket) == "hello"


def test_guest_is_closed_with_4401_where_guests_are_not_allowed(tmp_path):
    with FeedStack(tmp_path, ws_processes=1, environment={"ALLOW_GUESTS": "false"}) as stack:
        assert httpx.get(f"{stack.url}/feed/lobby/").status_code == 302
        with open_socket(stack, "lobby", subprotocols=[FEED.subprotocol]) as socket:
            assert socket.subprotocol == FEED.subprotocol
            assert close_code(socket) == 4401
