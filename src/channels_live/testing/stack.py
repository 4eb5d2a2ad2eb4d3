"""The stack that an app's tests run against: server processes, their Redis, and the test's database."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

from django.conf import settings as django_settings

from channels_live.testing import overrides, ports
from channels_live.testing.client import AsyncWebSocketClient, WebSocketClient
from channels_live.testing.guardian import get_guardian
from channels_live.testing.handshake import Handshake
from channels_live.testing.logs import LogMark
from channels_live.testing.process import Process, answers_http
from channels_live.testing.redis import REDIS_URL_VARIABLE, redis_process
from channels_live.testing.resuming import AsyncResumingClient
from channels_live.testing.sync_resuming import ResumingClient

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

# Beyond the drain, which a test keeps short.
STOP_SECONDS = 10.0
READY_SECONDS = 30.0


class ClientOptions(TypedDict, total=False):
    """What a client's handshake has.

    Attributes:
        server: Which of the ``servers`` it connects to, by index; 0 unless given.
        origin: The header Origin; that of the server's own pages unless given, and None for none, as a program.
        subprotocols: What is offered, the preferred one first.
        user: A user to log in, whose new session's cookie is sent.
        token: For the header ``Authorization: Bearer``.
        cookies: Other cookies, such as ``client.cookies`` of Django's test client.
        headers: Other headers.
    """

    server: int
    origin: str | None
    subprotocols: Sequence[str]
    user: "AbstractBaseUser"
    token: str
    cookies: Mapping[str, Any]
    headers: Mapping[str, str]


class LiveStack:
    """``python -m channels_live.server`` as one or more processes on loopback, with a Redis, on the test's database.

    The processes have the project's settings, except for: the databases, which are those that the test runner has set
    up; the hosts of CHANNEL_LAYERS; DEBUG, as the test runner has it; ALLOWED_HOSTS, which has loopback too; and a
    drain of half a second. What a test writes they see once it is committed, so tests need ``transactional_db`` of
    pytest-django or Django's TransactionTestCase. Whatever becomes of the test process, the others end with it.

    Args:
        directory: Where the logs go.
        processes: How many servers there are, ``servers``.
        settings_module: The project's settings of the servers; by default those of the tests, which
            DJANGO_SETTINGS_MODULE names.
        settings: Settings that only the servers have, of values that JSON can express. Of ``CHANNELS_LIVE`` the given
            keys change, and the others stay.
        environment: Environment variables that only the servers have.
        redis_url: A running Redis; without it that of the variable TEST_REDIS_URL, and without that a Redis or Valkey
            of its own is started.

    Raises:
        ProgramMissing: There is no Redis, and no program to start one; the text says what to install.
    """

    def __init__(
        self,
        directory: Path,
        *,
        processes: int = 1,
        settings_module: str | None = None,
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        redis_url: str | None = None,
    ) -> None:
        own_settings = dict(settings or {})
        live = overrides.LIVE_SETTINGS | own_settings.get("CHANNELS_LIVE", {})
        self._stop_seconds = STOP_SECONDS + live["DRAIN_DELAY"] + live["DRAIN_SECONDS"]
        self.redis: Process | None = None
        """The Redis that this stack has started, if it has."""
        redis_url = redis_url or os.environ.get(REDIS_URL_VARIABLE)
        if redis_url is None:
            self.redis = redis_process(directory)
            self.redis.guardian = get_guardian()
            redis_url = self.redis.url
        self.redis_url: str = redis_url
        """The address of the Redis."""
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
            **overrides.encode(own_settings, redis_url, settings_module),
        }
        self.servers = [self._server(directory, f"ws-{number + 1}") for number in range(processes)]
        """The server processes. A test may stop, kill, restart and signal them."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    @property
    def processes(self) -> list[Process]:
        """All processes of the stack, Redis first."""
        return [*([self.redis] if self.redis else []), *self.servers]

    @property
    def url(self) -> str:
        """The address of the first server, ``http://127.0.0.1:20001``, for ``/readyz``, ``/metrics`` and pages."""
        return self.servers[0].url

    def start(self) -> None:
        """Start what does not run, and return when all is ready; also after a test that killed something.

        Raises:
            ProcessFailed: A process ended at its start or was not ready in 30 s, with its last line. Nothing runs then.
        """
        try:
            if self.redis:
                self._start(self.redis)
                self.redis.wait_ready(READY_SECONDS)
            for server in self.servers:
                self._start(server)
            for server in self.servers:
                server.wait_ready(READY_SECONDS)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything: the servers with SIGTERM, so that they drain; what has not ended 10 s later is killed."""
        for process in self.processes:
            # A paused one could not end.
            process.signal(signal.SIGCONT)
        for server in self.servers:
            server.signal(server.stop_signal)
        for server in self.servers:
            server.wait_stopped(self._stop_seconds)
        if self.redis:
            self.redis.stop(2)

    def connect(self, path: str, **options: Unpack[ClientOptions]) -> WebSocketClient:
        """Return a client, which connects with ``with``.

        Args:
            path: With the query, ``/ws/feed/news/?after=0``.
            options: See ClientOptions.
        """
        return WebSocketClient(self._handshake(path, options))

    def aconnect(self, path: str, **options: Unpack[ClientOptions]) -> AsyncWebSocketClient:
        """Return a client, which connects with ``async with``; the arguments are those of ``connect``."""
        return AsyncWebSocketClient(self._handshake(path, options))

    def resume(
        self, path: str, name: str = "client", *, after: int = 0, **options: Unpack[ClientOptions]
    ) -> ResumingClient:
        """Return a client of a journal that reconnects and resumes; it connects with ``with``.

        Args:
            path: The address of the stream, ``/ws/feed/news/``.
            name: What its ids begin with, and what reports call it; two clients of a stream need two names.
            after: The number from which it resumes the first time; 0 for all entries.
            options: See ClientOptions. Without ``server`` each of its connections takes the next server.
        """
        return ResumingClient(self.aresume(path, name, after=after, **options))

    def aresume(
        self, path: str, name: str = "client", *, after: int = 0, **options: Unpack[ClientOptions]
    ) -> AsyncResumingClient:
        """Return the same for coroutines, which connects with ``async with``; the arguments are those of ``resume``."""
        servers = [self.servers[options["server"]]] if "server" in options else self.servers
        handshake = self._handshake(path, {"origin": None, **options})
        return AsyncResumingClient(
            [_websocket_url(server, path) for server in servers], name, after=after, handshake=handshake
        )

    def channel_layers(self) -> dict[str, dict[str, Any]]:
        """Return CHANNEL_LAYERS with the stack's Redis, for the test process: what it publishes reaches the servers."""
        return overrides.redis_layers(django_settings.CHANNEL_LAYERS, self.redis_url)

    def _handshake(self, path: str, options: ClientOptions) -> Handshake:
        server = self.servers[options.get("server", 0)]
        mark = LogMark([server])
        return Handshake(
            url=_websocket_url(server, path),
            origin=options.get("origin", server.url),
            subprotocols=options.get("subprotocols", ()),
            user=options.get("user"),
            token=options.get("token"),
            cookies=options.get("cookies"),
            headers=options.get("headers"),
            log=lambda: mark.text(server),
        )

    def _server(self, directory: Path, name: str) -> Process:
        bind = f"{ports.HOST}:{ports.pick()}"
        command = [sys.executable, "-m", "channels_live.server"]
        log, environment = directory / f"{name}.log", {**self._environment, "BIND": bind}
        return Process(
            name, "ws", f"http://{bind}", command, log, answers_http("/readyz"), environment, guardian=get_guardian()
        )

    def _start(self, process: Process) -> None:
        process.signal(signal.SIGCONT)
        process.start()


def _websocket_url(server: Process, path: str) -> str:
    return f"{server.url.replace('http', 'ws', 1)}{path}"
