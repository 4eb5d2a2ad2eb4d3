"""Authentication and revocation of sockets, in two ws processes behind nginx, also without Redis."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from deploy.local import Stack
from deploy.local.stack import ROOT

PASSWORD = "correct horse battery"
# How long a socket may stay open after a revocation.
SECONDS = 5
ALLOWED = "https://app.example.net"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"ALLOWED_ORIGINS": ALLOWED, "LOG_LEVEL": "DEBUG"}
    with Stack(tmp_path_factory.mktemp("revocation"), ws_processes=2, environment=environment) as stack:
        yield stack


def shell(stack: Stack, code: str) -> str:
    """Run code in `manage.py shell`, which imports the models, and return what it prints."""
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", code]
    result = subprocess.run(command, env=stack.environment, capture_output=True, text=True, timeout=60, check=True)
    return result.stdout.strip()


def make_user(stack: Stack, name: str) -> str:
    """Make a user, and return an API token of theirs."""
    return shell(
        stack,
        "from accounts import tokens\nfrom accounts.models import *\ntoken = tokens.new_token()\n"
        f"user = User.objects.create_user({name!r}, password={PASSWORD!r})\n"
        "ApiToken.objects.create(user=user, name='test', digest=tokens.digest(token))\nprint(token)",
    )


def log_in_new(stack: Stack, name: str) -> httpx.Client:
    make_user(stack, name)
    return log_in(stack, name)


def log_in(stack: Stack, name: str) -> httpx.Client:
    client = httpx.Client(base_url=stack.url, timeout=30)
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/accounts/login/").text)
    assert found
    form = {"csrfmiddlewaretoken": found[1], "username": name, "password": PASSWORD}
    assert client.post("/accounts/login/", data=form).status_code == 302
    client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
    return client


def open_socket(
    stack: Stack,
    room: str,
    browser: httpx.Client | None = None,
    process: str = "nginx",
    query: str = "",
    **options: object,
) -> ClientConnection:
    url = stack.process(process).url
    headers = {"Cookie": f"sessionid={browser.cookies['sessionid']}"} if browser else {}
    options = {"origin": url, "additional_headers": headers, "subprotocols": ["chat.v1"], **options}
    return connect(f"{url.replace('http', 'ws', 1)}/ws/chat/{room}/{query}", **options)  # type: ignore[arg-type]


def name_in(socket: ClientConnection) -> str:
    return str(json.loads(socket.recv(15))["you"])


def close_code(socket: ClientConnection, within: float = 15) -> int:
    """Read on until the server closes, and return its code; TimeoutError where it does not."""
    deadline = time.monotonic() + within
    try:
        while True:
            socket.recv(max(0.0, deadline - time.monotonic()))
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006


def test_a_token_authenticates_a_native_client_and_an_invalid_one_is_no_guest(stack):
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


def test_a_ticket_opens_one_socket_and_is_in_no_log(stack):
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


def test_of_many_handshakes_with_one_ticket_at_once_one_gets_in(stack):
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


def test_a_session_that_ws_cannot_verify_is_not_let_in_as_a_guest(stack):
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
    assert 'data-author="guest-' in browser.get("/chat/a/").text
    assert "sessionid" not in browser.cookies
    with open_socket(stack, "a", process="ws-1") as socket:
        assert name_in(socket).startswith("guest-")


def test_a_room_of_members_is_in_nobody_elses_list(stack):
    alice = log_in_new(stack, "member")
    shell(
        stack,
        "from chat.models import *\nfrom accounts.models import *\n"
        "room = Room.objects.create(name='cellar', access='members')\n"
        "Membership.objects.create(room=room, user=User.objects.get(username='member'))",
    )
    # Also where the process remembers it as open.
    with open_socket(stack, "cellar", alice) as inside, open_socket(stack, "seen") as other:
        assert (name_in(inside), name_in(other)[:6]) == ("member", "guest-")
        url = stack.process("ws-1").url
        with connect(f"{url.replace('http', 'ws', 1)}/ws/rooms/", origin=url) as visitor:  # type: ignore[arg-type]
            while "seen" not in (rooms := json.loads(visitor.recv(15))["rooms"]):
                pass
            assert "cellar" not in rooms
        inside.send(json.dumps({"type": "message", "id": "1", "message": "among us"}))
        while json.loads(inside.recv(15))["type"] != "ack":
            pass
    guest = httpx.Client(base_url=stack.url)
    assert "cellar" not in guest.get("/chat/").text
    assert "cellar" in alice.get("/chat/").text
    assert guest.get("/api/rooms/cellar/messages").status_code == 401
    page = guest.get("/chat/cellar/")
    assert page.status_code == 403
    assert "among us" not in page.text
    assert "among us" in alice.get("/chat/cellar/").text


def test_a_revocation_closes_the_right_sockets_in_every_process_without_redis(stack):
    make_user(stack, "alice")
    make_user(stack, "bob")
    here, elsewhere, bob = log_in(stack, "alice"), log_in(stack, "alice"), log_in(stack, "bob")
    with ExitStack() as sockets:

        def enter(room: str, browser: httpx.Client | None, process: str) -> ClientConnection:
            socket = sockets.enter_context(open_socket(stack, room, browser, process))
            name_in(socket)
            return socket

        both = ("ws-1", "ws-2")
        guests = [enter("club", None, process) for process in both]
        mine = [enter("lobby", here, process) for process in both]
        others = [enter("lobby", elsewhere, process) for process in both]
        banned = [enter("lobby", bob, process) for process in both]
        stays = [enter("other", bob, process) for process in both]
        stack.process("redis").kill()
        here.post("/accounts/logout/")
        begun = time.monotonic()
        assert [close_code(socket) for socket in mine] == [4401, 4401]
        assert time.monotonic() - begun < SECONDS
        shell(
            stack,
            "from chat.models import *\nfrom accounts.models import *\n"
            "lobby, _ = Room.objects.get_or_create(name='lobby')\n"
            "Ban.objects.create(room=lobby, user=User.objects.get(username='bob'))\n"
            "Room.objects.create(name='club', access='members')\n"
            "alice = User.objects.get(username='alice')\nalice.set_password('another one')\nalice.save()",
        )
        assert [close_code(socket) for socket in banned] == [4403, 4403]
        assert [close_code(socket) for socket in guests] == [4401, 4401]
        assert [close_code(socket) for socket in others] == [4401, 4401]
        for process, room, browser, code in [
            ("ws-1", "lobby", bob, 4403),
            ("ws-2", "club", bob, 4403),
            ("ws-1", "club", None, 4401),
        ]:
            assert close_code(sockets.enter_context(open_socket(stack, room, browser, process))) == code
        # Sockets without a revoked subject are still open.
        for socket in stays:
            socket.send(json.dumps({"type": "message", "id": f"{id(socket)}", "message": "hello"}))
            while json.loads(socket.recv(15))["type"] != "ack":
                pass


def test_where_guests_are_not_allowed_a_browser_gets_4401(tmp_path):
    with Stack(tmp_path, ws_processes=1, environment={"ALLOW_GUESTS": "false"}) as stack:
        assert httpx.get(f"{stack.url}/chat/lobby/").status_code == 302
        with open_socket(stack, "lobby") as socket:
            assert socket.subprotocol == "chat.v1"
            assert close_code(socket) == 4401
