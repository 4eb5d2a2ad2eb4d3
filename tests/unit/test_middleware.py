"""The middleware as a team configures, orders, replaces and leaves it out."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured

from channels_live.middleware import (
    AuthenticationMiddleware,
    Identity,
    OriginValidator,
    ProcessLimit,
    UserLimit,
    not_found,
    websocket_middleware,
)
from channels_live.middleware.credentials import load_credentials
from channels_live.server.capacity import Admission

ROOT = Path(__file__).resolve().parents[2]


class Server:
    def __init__(self, most: int = 10, most_of_user: int = 10) -> None:
        self.admission = Admission(most, most_of_user)


class Socket:
    """What the middleware needs of channels_live.server.protocol.WebSocketProtocol in its handshake."""

    STATE_CONNECTING = state = 1

    def __init__(self, server: Server) -> None:
        self.server = server
        self.subjects: tuple[str, ...] = ()
        self.closed_with: int | None = None

    def accept(self, subprotocol: str | None) -> None:
        self.subprotocol = subprotocol

    def close_discarding_input(self, code: int, reason: str) -> None:
        self.closed_with = code


class DeviceBackend:
    """A credential of the project's own, in the query string: ``device=<name>``."""

    name = "device"

    def find(self, scope: Mapping[str, Any]) -> str | None:
        key, _, value = scope["query_string"].decode().partition("=")
        return value if key == "device" else None

    def authenticate(self, credential: str) -> Identity | None:
        return Identity(get_user_model()(pk=7, username="toaster"), ("device:7",)) if credential == "known" else None


class Result:
    def __init__(self) -> None:
        self.scope: dict[str, Any] | None = None
        self.sent: list[dict[str, Any]] = []

    @property
    def username(self) -> str | None:
        return None if self.scope is None else self.scope["user"].get_username()


async def handshake(
    wrap: Any, *, query: str = "", server: Server | None = None, **headers: str
) -> tuple[Result, Socket | None]:
    """Send a handshake through ``wrap(application)``, and return what arrived there and what was sent."""
    result = Result()

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        result.scope = scope

    async def send(message: dict[str, Any]) -> None:
        result.sent.append(message)

    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/ws/",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "subprotocols": ["chat.v1"],
    }
    socket = None
    if server:
        socket = scope["channels_live.socket"] = Socket(server)
    await asyncio.wait_for(wrap(application)(scope, None, send), 10)
    return result, socket


OWN_PAGE = {"host": "localhost", "origin": "http://localhost"}
with_device = partial(AuthenticationMiddleware, credentials=[DeviceBackend()])


# --- Credentials


def test_without_the_setting_there_are_no_backends(settings):
    settings.CHANNELS_LIVE = {}
    assert load_credentials() == []


@pytest.mark.parametrize("path", ["no_such_module.Backend", "channels_live.middleware.NoSuchBackend", "Backend"])
def test_a_backend_that_cannot_be_imported_stops_the_start_with_one_sentence(settings, path):
    settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"CREDENTIALS": [path]}
    with pytest.raises(ImproperlyConfigured, match=r'^CHANNELS_LIVE\["CREDENTIALS"\]: .+\.$'):
        AuthenticationMiddleware(None)


async def test_a_backend_of_the_project_sets_the_user_and_the_subjects_of_the_socket():
    result, socket = await handshake(with_device, query="device=known", server=Server())
    assert result.username == "toaster"
    assert socket.subjects == ("device:7",)


async def test_an_invalid_credential_is_answered_with_401_and_never_let_in_as_a_guest(caplog):
    result, _ = await handshake(partial(with_device, allow_guests=True), query="device=unknown")
    assert result.scope is None
    assert result.sent[0]["status"] == 401
    assert "'credential': 'device'" in caplog.text


async def test_the_first_backend_that_finds_its_credential_decides():
    class Absent(DeviceBackend):
        def find(self, scope: Mapping[str, Any]) -> str | None:
            return None

    class Other(DeviceBackend):
        def authenticate(self, credential: str) -> Identity | None:
            raise AssertionError

    wrap = partial(AuthenticationMiddleware, credentials=[Absent(), DeviceBackend(), Other()])
    result, _ = await handshake(wrap, query="device=known")
    assert result.username == "toaster"


@pytest.mark.parametrize(("allow_guests", "codes"), [(True, []), (False, [4401])])
async def test_guests_are_let_in_by_a_setting(settings, allow_guests, codes):
    settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"ALLOW_GUESTS": allow_guests}
    result, _ = await handshake(AuthenticationMiddleware)
    assert [message["code"] for message in result.sent if "code" in message] == codes
    assert (result.username == "") == allow_guests


# --- Composition


async def test_a_handshake_passes_all_of_it_by_default():
    server = Server(most=1)
    result, _ = await handshake(partial(websocket_middleware, authentication=with_device), **OWN_PAGE)
    assert isinstance(result.scope["user"], AnonymousUser)
    foreign, _ = await handshake(websocket_middleware, host="localhost", origin="http://evil.example")
    assert foreign.sent == [{"type": "websocket.close"}]
    await handshake(websocket_middleware, server=server, **OWN_PAGE)
    _, second = await handshake(websocket_middleware, server=server, **OWN_PAGE)
    assert (second.closed_with, second.subprotocol) == (1013, "chat.v1")


async def test_each_can_be_left_out():
    result, _ = await handshake(partial(websocket_middleware, origins=None), host="localhost", origin="http://evil")
    assert result.username == ""
    result, _ = await handshake(partial(websocket_middleware, authentication=None), **OWN_PAGE)
    assert "user" not in result.scope
    server = Server(most=0)
    result, _ = await handshake(partial(websocket_middleware, process_limit=None), server=server, **OWN_PAGE)
    assert result.username == ""
    server = Server(most_of_user=1)
    wrap = partial(websocket_middleware, user_limit=None, authentication=with_device)
    for _ in range(2):
        result, _ = await handshake(wrap, query="device=known", server=server, **OWN_PAGE)
        assert result.username == "toaster"


async def test_one_can_be_replaced_by_a_middleware_of_the_project():
    def team(application: Any) -> Any:
        async def authenticate(scope: dict[str, Any], receive: Any, send: Any) -> None:
            await application({**scope, "user": get_user_model()(pk=1, username="by the team")}, receive, send)

        return authenticate

    result, _ = await handshake(partial(websocket_middleware, authentication=team), **OWN_PAGE)
    assert result.username == "by the team"


def limits_in_other_order(application: Any) -> Any:
    return with_device(UserLimit(ProcessLimit(application)))


@pytest.mark.parametrize(
    "wrap",
    [partial(websocket_middleware, authentication=with_device, process_limit=None), limits_in_other_order],
    ids=["without the process's limit", "in another order"],
)
async def test_the_limit_of_a_user_does_not_need_that_of_the_process(wrap):
    server = Server(most_of_user=1)
    results = [await handshake(wrap, query="device=known", server=server, **OWN_PAGE) for _ in range(2)]
    assert [result.username for result, _ in results] == ["toaster", None]
    assert [socket.closed_with for _, socket in results] == [None, 1013]
    first = results[0][1]
    assert server.admission.user_of(first) == 7
    server.admission.leave(first)
    assert (await handshake(wrap, query="device=known", server=server, **OWN_PAGE))[0].username == "toaster"


async def test_the_limit_of_the_process_counts_a_socket_once_in_any_order():
    server = Server(most=1)
    results = [await handshake(limits_in_other_order, query="device=known", server=server) for _ in range(2)]
    assert [result.username for result, _ in results] == ["toaster", None]


async def test_guests_have_no_limit_of_a_user_unless_the_project_identifies_them():
    server = Server(most_of_user=1)
    for _ in range(2):
        result, _ = await handshake(websocket_middleware, server=server, **OWN_PAGE)
        assert result.username == ""
    limit = partial(UserLimit, user_of=lambda scope: "everybody")
    wrap = partial(websocket_middleware, user_limit=limit)
    results = [await handshake(wrap, server=server, **OWN_PAGE) for _ in range(2)]
    assert [result.username for result, _ in results] == ["", None]


async def test_without_a_route_a_socket_is_closed_with_4404():
    result, _ = await handshake(lambda application: not_found)
    assert [message.get("code") for message in result.sent] == [None, 4404]


@pytest.mark.parametrize(("debug", "allowed"), [(True, True), (False, False)])
async def test_without_allowed_hosts_the_own_machine_is_allowed_where_django_allows_it(settings, debug, allowed):
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, []
    result, _ = await handshake(websocket_middleware, host="127.0.0.1:8000", origin="http://127.0.0.1:8000")
    assert (result.scope is not None) == allowed
    foreign, _ = await handshake(OriginValidator, host="evil.example", origin="http://evil.example")
    assert foreign.scope is None


# --- A project of somebody else

MODELS = """
import uuid
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

class Person(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    USERNAME_FIELD = "email"
    objects = BaseUserManager()
"""
SETTINGS = """
import os
SECRET_KEY = "of another project"
DEBUG = True
INSTALLED_APPS = [*(f"django.contrib.{app}" for app in ("contenttypes", "auth", "sessions")), "channels_live", "people"]
AUTH_USER_MODEL = "people.Person"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}}
SESSION_ENGINE = os.environ["SESSION_ENGINE"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
"""
ASGI = """
import os
from django.core.asgi import get_asgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite_settings")
django_application = get_asgi_application()
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import re_path
from channels_live.middleware import websocket_middleware

async def consumer(scope, receive, send):
    scope["seen"].append(str(scope["user"]))

application = ProtocolTypeRouter(
    {"http": django_application, "websocket": websocket_middleware(URLRouter([re_path("", consumer)]))}
)
"""
USE = """
import asyncio, json, sys
from mysite_asgi import application
from channels_live.middleware.session_user import SessionStore
from django.contrib.auth import get_user_model, login
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest

class Socket:
    subjects = ()

def handshake(cookie):
    seen, sent, socket = [], [], Socket()
    async def send(message):
        sent.append(message.get("code", message["type"]))
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
    if cookie is not None:
        headers.append((b"cookie", b"sessionid=" + cookie.encode()))
    scope = {"type": "websocket", "path": "/", "query_string": b"", "headers": headers, "subprotocols": []}
    scope["seen"] = seen
    asyncio.run(application(scope, None, send))
    return seen + sent

call_command("migrate", run_syncdb=True, verbosity=0)
person = get_user_model()(email="ada@example.org")
person.set_password("x")
person.save()
request = HttpRequest()
request.session = SessionStore()
login(request, person, "django.contrib.auth.backends.ModelBackend")
request.session.save()
key = request.session.session_key
results = [handshake(key), handshake(None)]
if sys.argv[1] != "signed_cookies":  # whose key is the signed session itself
    results.append(handshake("madeupmadeupmadeupmadeupmadeup12"))
results.append(handshake('"a\\\\000b"'))
person.set_password("y")
person.save()
results.append(handshake(key))
print(json.dumps({"results": results, "apps": sorted({"accounts", "chat", "base", "web", "ws"} & set(sys.modules))}))
"""
GUEST = ["AnonymousUser"]


@pytest.mark.parametrize("engine", ["db", "cache", "signed_cookies"])
def test_sessions_of_another_project_with_its_own_user_model_are_authenticated(tmp_path, engine):
    (tmp_path / "people").mkdir()
    (tmp_path / "people/__init__.py").touch()
    (tmp_path / "people/models.py").write_text(MODELS)
    (tmp_path / "mysite_settings.py").write_text(SETTINGS)
    (tmp_path / "mysite_asgi.py").write_text(ASGI)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(tmp_path)]),
        "SESSION_ENGINE": f"django.contrib.sessions.backends.{engine}",
        "DATABASE": str(tmp_path / "db.sqlite3"),
    }
    command = [sys.executable, "-c", USE, engine]
    run = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    # structlog prints to stdout where a project does not configure it.
    found = json.loads(run.stdout.splitlines()[-1])
    guests = [GUEST] * (2 if engine == "signed_cookies" else 3)
    assert found == {"results": [["ada@example.org"], *guests, ["websocket.accept", 4401]], "apps": []}
