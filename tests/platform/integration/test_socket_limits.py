"""The limits of sockets and half-open handshakes of a ws process, one under and one over each."""

import asyncio
import contextlib
import os
import re
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local import Stack
from tests.support.client import FEED
from tests.support.feed_stack import FeedStack
from tests.support.limits import NO_LIMITS
from tests.support.members import SECONDS, Counted, append, closed, guest_cookie, joined, metric


def one_process(directory: Path, **environment: str) -> Stack:
    return FeedStack(directory, ws_processes=1, environment={**NO_LIMITS, **environment})


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with one_process(tmp_path_factory.mktemp("sockets"), MAX_SOCKETS_PER_USER="3") as stack:
        yield stack


@pytest.fixture
def feed() -> str:
    return f"sockets-{os.urandom(4).hex()}"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110  # it is another process
            await asyncio.sleep(0.05)


async def test_socket_over_the_limit_of_the_process_is_closed_with_1013(tmp_path, feed):
    with one_process(tmp_path, MAX_SOCKETS="2") as stack:
        async with joined(stack, feed), AsyncExitStack() as second:
            alice = await second.enter_async_context(joined(stack, feed))
            async with joined(stack, feed) as turned_away:
                code, reason = await closed(turned_away)
                assert (code, turned_away.subprotocol) == (1013, FEED.subprotocol)
                assert "try again" in reason
            assert (await append(alice, "unharmed"))["type"] == "ack"
            assert metric(stack, 'websocket_handshakes_total{result="overloaded"}') == 1
            await second.aclose()
            await until(lambda: metric(stack, "websocket_connections") == 1)
            async with joined(stack, feed) as bob:
                assert (await append(bob, "let in"))["type"] == "ack"


async def test_socket_over_the_limit_of_a_guest_is_closed_with_1013(stack, feed):
    refused = 'websocket_handshakes_total{result="sockets_per_user"}'
    counted = Counted(stack, refused)
    cookie = guest_cookie(stack)
    async with joined(stack, feed, cookie=cookie), AsyncExitStack() as others:
        for _ in range(2):
            await others.enter_async_context(joined(stack, feed, cookie=cookie))
        async with joined(stack, feed, cookie=cookie) as turned_away:
            code, reason = await closed(turned_away)
            assert code == 1013
            assert "close one" in reason
        assert counted.of(refused) == 1
        async with joined(stack, feed, cookie=guest_cookie(stack)) as stranger, joined(stack, feed) as nameless:
            assert (await append(stranger, "s"))["type"] == (await append(nameless, "n"))["type"] == "ack"
        await others.aclose()
        await until(lambda: metric(stack, "websocket_connections") == 1)
        async with joined(stack, feed, cookie=cookie) as again:
            assert (await append(again, "let in"))["type"] == "ack"


def test_handshake_over_the_limit_of_waiting_ones_is_answered_503(tmp_path, feed):
    with one_process(tmp_path, MAX_SOCKETS="1", MAX_HANDSHAKES="1") as stack, contextlib.ExitStack() as lines:
        process = stack.process("ws-1")
        address = urlsplit(process.url)
        # When it goes on, it finds nearly all of them in one turn of its event loop.
        process.signal(signal.SIGSTOP)
        clients = []
        for _ in range(10):
            client = lines.enter_context(socket.create_connection((address.hostname, address.port), timeout=SECONDS))
            client.sendall(
                f"GET {FEED.path}{feed}/ HTTP/1.1\r\nHost: {address.netloc}\r\nOrigin: {process.url}\r\n"
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
        assert (
            len(re.findall(rf"handshake refused .*path={FEED.path}{feed}/ reason=overloaded", log)) == len(clients) - 1
        )


@pytest.mark.parametrize("through", ["ws-1", "nginx"])
async def test_thousand_unfinished_handshakes_keep_no_client_out(stack, feed, through):
    timeouts = 'websocket_handshakes_total{result="timeout"}'
    counted = Counted(stack, timeouts)
    address = urlsplit(stack.process(through).url)
    half_open = []
    with contextlib.ExitStack() as lines:
        for _ in range(1000):
            line = lines.enter_context(socket.create_connection((address.hostname, address.port), timeout=SECONDS))
            line.sendall(b"GET /ws/feed/lobby/ HTTP/1.1\r\nHost: ")
            half_open.append(line)
        async with joined(stack, feed) as alice:
            assert (await append(alice, "let in"))["type"] == "ack"
        # nginx has a timeout of its own, client_header_timeout, and keeps them to itself.
        for line in half_open:
            with contextlib.suppress(ConnectionResetError):
                while line.recv(4096):
                    pass
        assert counted.of(timeouts) == (1000 if through == "ws-1" else 0)
