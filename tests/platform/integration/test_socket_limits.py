"""How many sockets, and half-open handshakes, a ws process takes, one under and one over each limit."""

import asyncio
import contextlib
import os
import re
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from deploy.local import Stack
from tests.support.members import SECONDS, Counted, closed, entered, guest_cookie, metric, say, stack_with


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack_with(tmp_path_factory.mktemp("sockets"), MAX_SOCKETS_PER_USER="3") as stack:
        yield stack


@pytest.fixture
def room() -> str:
    return f"sockets-{os.urandom(4).hex()}"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110  # it is another process
            await asyncio.sleep(0.05)


async def test_one_socket_more_than_the_process_takes_is_told_so(tmp_path, room):
    with stack_with(tmp_path, MAX_SOCKETS="2") as stack:
        async with entered(stack, room), AsyncExitStack() as second:
            alice = await second.enter_async_context(entered(stack, room))
            async with entered(stack, room) as turned_away:
                code, reason = await closed(turned_away)
                assert (code, turned_away.subprotocol) == (1013, "chat.v1")
                assert "try again" in reason
            assert (await say(alice, "unharmed"))["type"] == "ack"
            assert metric(stack, 'websocket_handshakes_total{result="overloaded"}') == 1
            await second.aclose()
            await until(lambda: metric(stack, "websocket_connections") == 1)
            async with entered(stack, room) as bob:
                assert (await say(bob, "let in"))["type"] == "ack"


async def test_one_socket_more_than_a_guest_may_have_is_told_so(stack, room):
    refused = 'websocket_handshakes_total{result="sockets_per_user"}'
    counted = Counted(stack, refused)
    cookie = guest_cookie(stack)
    async with entered(stack, room, cookie=cookie), AsyncExitStack() as others:
        for _ in range(2):
            await others.enter_async_context(entered(stack, room, cookie=cookie))
        async with entered(stack, room, cookie=cookie) as turned_away:
            code, reason = await closed(turned_away)
            assert code == 1013
            assert "close one" in reason
        assert counted.of(refused) == 1
        async with entered(stack, room, cookie=guest_cookie(stack)) as stranger, entered(stack, room) as nameless:
            assert (await say(stranger, "s"))["type"] == (await say(nameless, "n"))["type"] == "ack"
        await others.aclose()
        await until(lambda: metric(stack, "websocket_connections") == 1)
        async with entered(stack, room, cookie=cookie) as again:
            assert (await say(again, "let in"))["type"] == "ack"


def test_a_handshake_more_than_can_wait_is_answered_503(tmp_path, room):
    with stack_with(tmp_path, MAX_SOCKETS="1", MAX_HANDSHAKES="1") as stack, contextlib.ExitStack() as lines:
        process = stack.process("ws-1")
        address = urlsplit(process.url)
        # When it goes on, it finds nearly all of them in one turn of its event loop.
        process.signal(signal.SIGSTOP)
        clients = []
        for _ in range(10):
            client = lines.enter_context(socket.create_connection((address.hostname, address.port), timeout=SECONDS))
            client.sendall(
                f"GET /ws/chat/{room}/ HTTP/1.1\r\nHost: {address.netloc}\r\nOrigin: {process.url}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n".encode()
            )
            clients.append(client)
        process.signal(signal.SIGCONT)
        heads = [client.recv(4096).partition(b"\r\n\r\n")[0].decode() for client in clients]
        statuses = Counter(head.split()[1] for head in heads)
        # One is let in, some are accepted to be told 1013, the rest could not even wait for it.
        assert statuses.keys() == {"101", "503"}
        assert all("Retry-After: 5" in head for head in heads if " 503 " in head)
        assert metric(stack, 'websocket_handshakes_total{result="overloaded"}') == len(clients) - 1
        log = (stack.directory / "log/ws-1.log").read_text()
        assert len(re.findall(rf"handshake refused .*path=/ws/chat/{room}/ reason=overloaded", log)) == len(clients) - 1


@pytest.mark.parametrize("through", ["ws-1", "nginx"])
async def test_a_thousand_that_never_finish_their_handshake_keep_nobody_out(stack, room, through):
    timeouts = 'websocket_handshakes_total{result="timeout"}'
    counted = Counted(stack, timeouts)
    address = urlsplit(stack.process(through).url)
    half_open = []
    with contextlib.ExitStack() as lines:
        for _ in range(1000):
            line = lines.enter_context(socket.create_connection((address.hostname, address.port), timeout=SECONDS))
            line.sendall(b"GET /ws/chat/lobby/ HTTP/1.1\r\nHost: ")
            half_open.append(line)
        async with entered(stack, room) as alice:
            assert (await say(alice, "let in"))["type"] == "ack"
        # nginx has a timeout of its own, client_header_timeout, and keeps them to itself.
        for line in half_open:
            with contextlib.suppress(ConnectionResetError):
                while line.recv(4096):
                    pass
        assert counted.of(timeouts) == (1000 if through == "ws-1" else 0)
