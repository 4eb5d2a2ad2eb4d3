"""Rooms of members and bans, in two ws processes behind nginx, also without Redis."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from deploy.local import Stack
from tests.support.accounts import close_code, log_in_new, session_of, shell
from tests.support.chat import CHAT


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("access"), ws_processes=2) as stack:
        yield stack


def open_socket(
    stack: Stack, room: str, browser: httpx.Client | None = None, process: str = "nginx"
) -> ClientConnection:
    url = stack.process(process).url
    address = f"{url.replace('http', 'ws', 1)}{CHAT.path}{room}/"
    subprotocols = [CHAT.subprotocol]
    return connect(address, origin=url, additional_headers=session_of(browser), subprotocols=subprotocols)  # type: ignore[arg-type]


def name_in(socket: ClientConnection) -> str:
    return str(json.loads(socket.recv(15))["you"])


def test_room_of_members_is_listed_for_members_only(stack):
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


def test_revoked_access_to_a_room_closes_its_sockets_in_every_process_without_redis(stack):
    alice, bob = log_in_new(stack, "alice"), log_in_new(stack, "bob")
    with ExitStack() as sockets:

        def enter(room: str, browser: httpx.Client | None, process: str) -> ClientConnection:
            socket = sockets.enter_context(open_socket(stack, room, browser, process))
            name_in(socket)
            return socket

        both = ("ws-1", "ws-2")
        guests = [enter("club", None, process) for process in both]
        banned = [enter("lobby", bob, process) for process in both]
        stay = [enter("other", bob, process) for process in both] + [enter("lobby", alice, process) for process in both]
        stack.process("redis").kill()
        shell(
            stack,
            "from chat.models import *\nfrom accounts.models import *\n"
            "lobby, _ = Room.objects.get_or_create(name='lobby')\n"
            "Ban.objects.create(room=lobby, user=User.objects.get(username='bob'))\n"
            "Room.objects.create(name='club', access='members')",
        )
        assert [close_code(socket) for socket in banned] == [4403, 4403]
        assert [close_code(socket) for socket in guests] == [4401, 4401]
        for process, room, browser, code in [
            ("ws-1", "lobby", bob, 4403),
            ("ws-2", "club", bob, 4403),
            ("ws-1", "club", None, 4401),
        ]:
            assert close_code(sockets.enter_context(open_socket(stack, room, browser, process))) == code
        # Sockets without a revoked subject are still open.
        for socket in stay:
            socket.send(json.dumps({"type": "message", "id": f"{id(socket)}", "message": "hello"}))
            while json.loads(socket.recv(15))["type"] != "ack":
                pass
