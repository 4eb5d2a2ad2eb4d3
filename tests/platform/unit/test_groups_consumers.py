"""Consumers with groups in one process, under Channels' test tools: what no client can see."""

import asyncio
import json
import subprocess
import sys
import time
from contextvars import ContextVar, copy_context
from types import SimpleNamespace
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer, channel_layers
from channels.testing import ApplicationCommunicator, WebsocketCommunicator
from django.db.backends.signals import connection_created

from channels_live.consumers import AsyncConsumer, AsyncWebsocketConsumer, old_connections
from channels_live.consumers.context import begin, finish
from channels_live.consumers.shared_frame import shared_text_frame
from channels_live.consumers.shared_headers import share_headers
from deploy.local.stack import ROOT

number: ContextVar[int] = ContextVar("number", default=0)


def test_importing_the_consumers_imports_no_server():
    program = (
        "import sys, django; django.setup(); import channels_live.consumers; "
        "print([name for name in sys.modules if name.startswith(('daphne', 'twisted.internet'))])"
    )
    environment = {"PYTHONPATH": f"{ROOT}/src", "DJANGO_SETTINGS_MODULE": "django.conf.global_settings"}
    environment["SECRET_KEY"] = "test"
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> InMemoryChannelLayer:
    layer = InMemoryChannelLayer()
    monkeypatch.setitem(channel_layers.backends, "default", layer)
    return layer


async def test_an_exception_of_an_event_s_handler_is_raised_out_of_the_application(in_memory):
    class Failing(AsyncWebsocketConsumer):
        groups = ["room"]

        async def said(self, event: dict[str, Any]) -> None:
            raise LookupError("of the handler")

    communicator = WebsocketCommunicator(Failing.as_asgi(), "/")
    await communicator.connect()
    await in_memory.group_send("room", {"type": "said"})
    with pytest.raises(LookupError, match="of the handler"):
        await communicator.wait()


class Unusual(BaseException):
    """What ``except Exception`` does not catch, such as GreenletExit."""


def failing(error: BaseException, *, waits: bool) -> Any:
    """Return an application whose handler of ``fail`` raises, and whose handler of ``said`` answers."""

    class Failing(AsyncWebsocketConsumer):
        groups = ["room"]

        async def fail(self, event: dict[str, Any]) -> None:
            if waits:
                await asyncio.sleep(0)
            raise error

        async def said(self, event: dict[str, Any]) -> None:
            await self.send("heard")

    return Failing.as_asgi()


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("is_busy", [False, True])
async def test_whatever_a_handler_raises_other_consumers_are_given_their_events(in_memory, waits, is_busy):
    first, second = (WebsocketCommunicator(failing(Unusual(), waits=waits), "/") for _ in range(2))
    await first.connect()
    [channel] = in_memory.groups["room"]
    await second.connect()
    if is_busy:
        # The event after this one has waited for its handler.
        await in_memory.send(channel, {"type": "said"})
    await in_memory.send(channel, {"type": "fail"})
    with pytest.raises(Unusual):
        await first.wait()
    await in_memory.group_send("room", {"type": "said"})
    assert await second.receive_from() == "heard"
    await second.disconnect()


@pytest.mark.parametrize("waits", [False, True])
def test_a_handler_s_exit_ends_the_process_and_until_then_events_are_handled(in_memory, waits):
    first, second = (WebsocketCommunicator(failing(SystemExit(3), waits=waits), "/") for _ in range(2))

    async def fail() -> None:
        await first.connect()
        [channel] = in_memory.groups["room"]
        await second.connect()
        await in_memory.send(channel, {"type": "fail"})
        await first.wait()

    async def hear() -> str:
        await in_memory.group_send("room", {"type": "said"})
        return await second.receive_from()

    loop = asyncio.new_event_loop()
    # The task of the events ends with the exit, too. Logged by the garbage collector, its traceback is parsed, which
    # breaks an ast.parse that runs just then (https://github.com/python/cpython/issues/106905).
    loop.set_exception_handler(lambda *_: None)
    exiting = loop.create_task(fail())
    while not exiting.done():
        # Out of the task of the events, out of the application, and out of this task.
        with pytest.raises(SystemExit):
            loop.run_until_complete(exiting)
    assert loop.run_until_complete(hear()) == "heard"
    loop.run_until_complete(second.disconnect())
    loop.close()


async def test_a_consumer_of_messages_alone_has_channels_api(in_memory):
    class Echo(AsyncConsumer):
        async def websocket_connect(self, message: dict[str, Any]) -> None:
            await self.send({"type": "websocket.accept"})

        async def websocket_receive(self, message: dict[str, Any]) -> None:
            await self.send({"type": "websocket.send", "text": message["text"]})

    communicator = WebsocketCommunicator(Echo.as_asgi(), "/")
    assert await communicator.connect() == (True, None)
    await communicator.send_to("hello")
    assert await communicator.receive_from() == "hello"
    communicator.stop()


async def test_other_scopes_are_served_as_channels_does(in_memory):
    class Worker(AsyncConsumer):
        async def job(self, message: dict[str, Any]) -> None:
            await self.send({"type": "done"})

    communicator = ApplicationCommunicator(Worker.as_asgi(), {"type": "channel", "channel": "jobs"})
    await communicator.send_input({"type": "job"})
    assert await communicator.receive_output() == {"type": "done"}


async def test_a_context_variable_of_connect_holds_in_all_handlers(in_memory):
    class Counting(AsyncWebsocketConsumer):
        groups = ["room"]

        async def connect(self) -> None:
            number.set(1)
            await self.accept()

        async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            await asyncio.sleep(0)
            number.set(number.get() + 1)

        async def said(self, event: dict[str, Any]) -> None:
            await self.send(json.dumps(number.get()))

    communicator = WebsocketCommunicator(Counting.as_asgi(), "/")
    await communicator.connect()
    await communicator.send_to("add one")
    while True:
        await in_memory.group_send("room", {"type": "said"})
        if await communicator.receive_from() == "2":
            break
    assert number.get() == 0
    await communicator.disconnect()


async def test_a_coroutine_that_waits_keeps_its_context_and_its_task():
    seen = []

    async def handler() -> None:
        number.set(7)
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            seen.append(number.get())

    context = copy_context()
    coroutine = handler()
    waits, awaited = begin(context, coroutine)
    assert waits
    await finish(context, coroutine, awaited)
    assert seen == [7]
    assert number.get() == 0


def test_a_text_that_many_send_alike_has_one_frame():
    first = shared_text_frame(json.dumps({"message": "hello"}))
    assert shared_text_frame(json.dumps({"message": "hello"})) is first
    assert shared_text_frame(json.dumps({"message": "other"})) is not first


def test_equal_headers_are_kept_once_and_none_that_is_secret():
    def headers() -> list[tuple[bytes, bytes]]:
        return [
            (bytes(bytearray(b"host")), bytes(bytearray(b"example.com"))),
            (bytes(bytearray(b"cookie")), bytes(bytearray(b"sessionid=1"))),
            (bytes(bytearray(b"sec-websocket-key")), b"dGhlIHNhbXBsZSBub25jZQ=="),
        ]

    first, second = share_headers(headers()), share_headers(headers())
    assert first == second == headers()[:2]
    assert first[0] is second[0]
    assert first[1][1] is not second[1][1]


class Connection(SimpleNamespace):
    """What Django says of a connection that is open, and in order."""

    def __init__(self, **different: Any) -> None:
        super().__init__(
            **{
                "connection": object(),
                "in_atomic_block": False,
                "errors_occurred": False,
                "health_check_enabled": False,
                "health_check_done": False,
                "autocommit": True,
                "settings_dict": {"AUTOCOMMIT": True},
                "close_at": None,
                "execute_wrappers": [],
                **different,
            }
        )

    __hash__ = object.__hash__


@pytest.mark.parametrize(
    ("different", "is_old"),
    [
        ({}, False),
        ({"errors_occurred": True}, True),
        ({"close_at": time.monotonic() - 1}, True),
        ({"close_at": time.monotonic() + 3600}, False),
        ({"health_check_enabled": True, "health_check_done": True}, True),
        ({"autocommit": False}, True),
        ({"errors_occurred": True, "connection": None}, False),
        ({"errors_occurred": True, "in_atomic_block": True}, False),
    ],
)
def test_only_connections_that_django_would_close_or_examine_cost_a_thread_hop(monkeypatch, different, is_old):
    monkeypatch.setattr(old_connections, "_connections", [])
    monkeypatch.setattr(old_connections, "_thread", None)
    made = Connection(**different)
    connection_created.send(type(made), connection=made)
    assert old_connections.has_old_connections() is is_old


async def test_connections_of_other_threads_than_asgiref_s_are_left_alone(monkeypatch):
    monkeypatch.setattr(old_connections, "_connections", [])
    monkeypatch.setattr(old_connections, "_thread", None)
    elsewhere = Connection(errors_occurred=True)
    await asyncio.to_thread(connection_created.send, type(elsewhere), connection=elsewhere)
    # Which thread is asgiref's is known after the first call.
    assert old_connections.has_old_connections()
    await old_connections.aclose_old_connections()
    assert not old_connections.has_old_connections()
