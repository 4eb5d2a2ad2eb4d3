"""The servers of the benchmark, and how they are started: on loopback, each with a Redis of its own."""

import atexit
import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import Process, ports
from deploy.local.process import answers_http
from deploy.local.stack import ROOT
from tests.support.limits import NO_LIMITS
from tests.support.redis import running_redis

PEERS = Path(__file__).parent / "peers"
NODE_MODULES = PEERS / "node_modules"


class ServerMissing(Exception):
    """A program that the server needs is missing on this machine."""


def accepts(url: str) -> bool:
    """Whether something listens at an address."""
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname, address.port), timeout=1).close()
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class Server:
    """A kind of server. ``command`` gets the port; ``dialect`` is what its clients speak.

    ``root`` is the checkout whose code it runs.
    """

    name: str
    title: str
    command: Callable[[int], list[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    dialect: str = "tutorial"
    has_redis: bool = True
    keeps_messages: bool = False
    is_ready: Callable[[str], bool] = accepts
    root: Path = ROOT


@dataclass(frozen=True)
class Running:
    """A running server of one or more processes."""

    server: Server
    processes: list[Process]
    redis: Process | None

    @property
    def urls(self) -> list[str]:
        return [process.url for process in self.processes]

    @property
    def process_ids(self) -> list[int]:
        """The server's processes."""
        return [process.pid for process in self.processes if process.pid]

    @property
    def all_process_ids(self) -> list[int]:
        """The server's processes and its Redis."""
        return [*self.process_ids, *([self.redis.pid] if self.redis and self.redis.pid else [])]

    def check(self) -> None:
        """Raise RuntimeError where a process has died."""
        for process in [*self.processes, *([self.redis] if self.redis else [])]:
            if not process.is_running:
                raise RuntimeError(f"{process.name} died: {process.last_line()}")


@contextlib.contextmanager
def running(
    name: str, directory: Path, processes: int = 1, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Start a fresh server, and stop it at the end. ``environment`` takes precedence over its own.

    Raises ServerMissing, and ProcessFailed when it does not start.
    """
    server = SERVERS[name]
    variables = {
        # Not the DATABASE_URL or REDIS_URL of the environment.
        **{name: value for name, value in os.environ.items() if not name.endswith("_URL")},
        "PYTHONPATH": os.pathsep.join(str(server.root / folder) for folder in ("src", "services", "apps", ".")),
        "NODE_ENV": "production",
        **server.environment,
    }
    with contextlib.ExitStack() as resources:
        redis = resources.enter_context(running_redis(directory)) if server.has_redis else None
        if redis:
            variables["REDIS_URL"] = redis.url
        variables |= environment or {}
        if server.keeps_messages and "DATABASE_URL" in variables:
            migrate(variables["DATABASE_URL"], server.root)
        elif server.keeps_messages:
            shutil.copy(empty_database(server.root), directory / "db.sqlite3")
            variables["DATABASE_URL"] = f"sqlite:///{directory}/db.sqlite3"
        started: list[Process] = []
        for number in range(1, processes + 1):
            port = ports.pick()
            process = Process(
                f"{server.name}-{number}",
                server.name,
                f"http://{ports.HOST}:{port}",
                server.command(port),
                directory / f"{server.name}-{number}.log",
                server.is_ready,
                {**variables, "PORT": str(port), "BIND": f"{ports.HOST}:{port}"},
            )
            resources.callback(process.stop, 2)
            process.start()
            started.append(process)
        for process in started:
            process.wait_ready()
        yield Running(server, started, redis)


@functools.cache
def empty_database(root: Path) -> Path:
    """Return an SQLite file with all tables of a checkout, created once, for copying."""
    directory = Path(tempfile.mkdtemp(prefix="bench-database-"))
    atexit.register(shutil.rmtree, directory)
    migrate(f"sqlite:///{directory}/db.sqlite3", root)
    return directory / "db.sqlite3"


def migrate(database_url: str, root: Path) -> None:
    command = [sys.executable, str(root / "manage.py"), "migrate", "--noinput", "--verbosity", "0"]
    environment = {**os.environ, "DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "web.settings"}
    subprocess.run(command, env=environment, check=True)


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _daphne(application: str, port: int) -> list[str]:
    return [_program("daphne"), "--verbosity", "0", "--bind", ports.HOST, "--port", str(port), application]


def _uvicorn(application: str, port: int) -> list[str]:
    # With uvloop and httptools installed it uses both.
    options = ["--log-level", "warning", "--no-access-log", "--ws-per-message-deflate", "false", "--lifespan", "off"]
    return [_program("uvicorn"), "--host", ports.HOST, "--port", str(port), *options, application]


def _node(script: str, _: int) -> list[str]:
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / "ws").exists():
        raise ServerMissing("Node is not on PATH, or npm has not installed its packages")
    return [node, str(PEERS / script)]


def bun() -> str:
    """Return the path of Bun's program; raises ServerMissing."""
    found = next(NODE_MODULES.glob("@oven/bun-*/bin/bun"), None)
    if found is None:
        raise ServerMissing("npm has not installed Bun for this machine")
    found.chmod(0o755)  # as its install script would, which is not run
    return str(found)


TUTORIAL = "tests.load.peers.tutorial:application"
ON_OUR_SERVER = "tests.load.peers.tutorial_on_our_server"
ON_OUR_SERVER_ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "tests.load.peers.tutorial_settings",
    "CHANNEL_LAYER": "live",
    **NO_LIMITS,
}
OURS = Server(
    "ours",
    "this project",
    lambda _: [sys.executable, "-m", "ws"],
    {"DJANGO_SETTINGS_MODULE": "ws.settings", "DEBUG": "false", "SECRET_KEY": "benchmark", **NO_LIMITS},
    keeps_messages=True,
    is_ready=answers_http("/readyz"),
)
# A checkout of another commit, measured side by side with this one.
BASELINE = os.environ.get("BASELINE")
SERVERS = {
    server.name: server
    for server in (
        OURS,
        *([replace(OURS, name="baseline", title=f"baseline, {BASELINE}", root=Path(BASELINE))] if BASELINE else []),
        Server(
            "tutorial",
            "the tutorial, Daphne, pubsub layer",
            functools.partial(_daphne, TUTORIAL),
            {"CHANNEL_LAYER": "pubsub"},
        ),
        Server(
            "tutorial-import",
            "the tutorial, one import changed, this server",
            lambda _: [sys.executable, "-m", ON_OUR_SERVER],
            {**ON_OUR_SERVER_ENVIRONMENT, "CONSUMERS": "live"},
            is_ready=answers_http("/livez"),
        ),
        Server(
            "tutorial-unmodified",
            "the tutorial, unmodified, this server",
            lambda _: [sys.executable, "-m", ON_OUR_SERVER],
            ON_OUR_SERVER_ENVIRONMENT,
            is_ready=answers_http("/livez"),
        ),
        Server(
            "tutorial-core",
            "the tutorial, Daphne, core layer",
            functools.partial(_daphne, TUTORIAL),
            {"CHANNEL_LAYER": "core"},
        ),
        Server(
            "uvicorn",
            "the tutorial, uvicorn, pubsub layer",
            functools.partial(_uvicorn, TUTORIAL),
            {"CHANNEL_LAYER": "pubsub"},
        ),
        Server(
            "daphne",
            "bare ASGI application, Daphne",
            functools.partial(_daphne, "tests.load.peers.bare:application"),
            has_redis=False,
        ),
        Server("node-ws", "Node ws + Redis", functools.partial(_node, "node_ws.js")),
        Server(
            "socket.io",
            "Socket.IO + Redis adapter",
            functools.partial(_node, "socket_io.js"),
            dialect="socket.io",
        ),
        Server(
            "bun",
            "Bun publish, one process, no Redis",
            lambda _: [bun(), str(PEERS / "bun.js")],
            has_redis=False,
        ),
        Server("bun-redis", "Bun publish + Redis", lambda _: [bun(), str(PEERS / "bun.js")]),
    )
}
