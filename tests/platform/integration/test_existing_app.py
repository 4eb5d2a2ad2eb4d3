"""docs/existing-app.md: its stacks per route and its JWT backend, in a project of ``django-admin startproject``."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from deploy.local import Process, ports
from deploy.local.process import answers_http
from deploy.local.stack import ROOT

PAGE = (ROOT / "docs/existing-app.md").read_text()
BLOCK = re.compile(r"^(?:[^\n`]*`(?P<file>[\w/.]+)`:\n\n)?```python\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SECRET = "of the project, and long enough for HS256"
SERVICE_RESTART = 1012
# What the page says that the reader has.
CONSUMERS = """
from channels.generic.websocket import AsyncWebsocketConsumer

class DeviceConsumer(AsyncWebsocketConsumer):
    channel_layer_alias = None

    async def connect(self):
        await self.accept("bearer" if "bearer" in self.scope["subprotocols"] else None)
        await self.send(str(self.scope.get("user", "nobody")))

PublicConsumer = DeviceConsumer

class TokenMiddleware:
    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        await self.application({**scope, "user": "by the team"}, receive, send)
"""


def block(containing: str) -> tuple[str, str]:
    """Return the file and the text of the page's only block that contains a text."""
    (found,) = [each for each in BLOCK.finditer(PAGE) if containing in each["text"]]
    return found["file"], found["text"]


class Project:
    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        own = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        # PyJWT, wherever the tests have it.
        paths = os.pathsep.join([str(ROOT / "src"), str(folder), str(Path(jwt.__file__).parents[1])])
        self.environment = {**own, "PYTHONPATH": paths, "BIND": address, "DRAIN_SECONDS": "0"}

    def run(self, *arguments: str) -> str:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, check=True, timeout=60, capture_output=True, text=True
        ).stdout

    def shell(self, code: str) -> str:
        return self.run("manage.py", "shell", "-v0", "-c", code).strip()

    def append(self, file: str, text: str) -> None:
        with (self.folder / file).open("a") as target:
            target.write(f"\n{text}")


@pytest.fixture(scope="module")
def address() -> str:
    return f"{ports.HOST}:{ports.pick()}"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, address: str) -> Project:
    project = Project(tmp_path_factory.mktemp("project"), address)
    project.run("-m", "django", "startproject", "mysite", ".")
    project.run("manage.py", "startapp", "revocations")
    for containing in ("class JWTBackend", "class Revocation"):
        file, text = block(containing)
        (project.folder / file).write_text(text)
    project.append("mysite/settings.py", 'INSTALLED_APPS += ["channels_live", "revocations"]')
    project.append("mysite/settings.py", f'SECRET_KEY = "{SECRET}"\nASGI_APPLICATION = "mysite.asgi.application"')
    project.append("mysite/settings.py", block('"CREDENTIALS"')[1])
    (project.folder / "mysite/consumers.py").write_text(CONSUMERS)
    project.append("mysite/asgi.py", "from mysite.consumers import *")
    project.append("mysite/asgi.py", 'from django.urls import path\nurl = path("ws/me/", DeviceConsumer.as_asgi())')
    project.append("mysite/asgi.py", "websocket_urlpatterns = [url]")
    project.append("mysite/asgi.py", block("TokenMiddleware")[1])
    project.run("manage.py", "makemigrations", "-v0", "revocations")
    project.run("manage.py", "migrate", "-v0")
    project.shell("from django.contrib.auth.models import User; User.objects.create_user('ada')")
    return project


@pytest.fixture(scope="module")
def url(project: Project, address: str) -> Iterator[str]:
    environment = {**project.environment, "DJANGO_SETTINGS_MODULE": "mysite.settings"}
    command, log = [sys.executable, "-m", "channels_live.server"], project.folder / "server.log"
    server = Process("server", "ws", f"http://{address}", command, log, answers_http("/readyz"), environment)
    server.start()
    try:
        server.wait_ready()
        yield f"ws://{address}/ws"
        assert "Traceback" not in log.read_text()
    finally:
        server.stop()


def token(jti: str, user: str = "1", seconds: float = 60, secret: str = SECRET) -> str:
    return jwt.encode({"sub": user, "jti": jti, "exp": time.time() + seconds}, secret, "HS256")


def ways(token: str) -> list[dict[str, object]]:
    return [{"additional_headers": {"Authorization": f"Bearer {token}"}}, {"subprotocols": ["bearer", token]}]


def test_a_token_in_the_header_or_a_subprotocol_authenticates(url: str) -> None:
    for way in ways(token("t1")):
        with connect(f"{url}/me/", **way) as socket:  # type: ignore[arg-type]
            assert socket.recv(10) == "ada"


@pytest.mark.parametrize(
    "invalid",
    [token("t2", seconds=-1), token("t2", secret="x" * 40), token("t2", user="99"), "none"],
    ids=["expired", "another key", "unknown user", "no token"],
)
def test_an_invalid_token_is_answered_with_401(url: str, invalid: str) -> None:
    for way in ways(invalid):
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{url}/me/", **way)  # type: ignore[arg-type]
        assert refused.value.response.status_code == 401


def test_a_revoked_token_closes_its_sockets_and_no_others(project: Project, url: str) -> None:
    first, second = (ways(token(jti))[0] for jti in ("t3", "t4"))
    with connect(f"{url}/me/", **first) as revoked, connect(f"{url}/me/", **second) as other:  # type: ignore[arg-type]
        assert [revoked.recv(10), other.recv(10)] == ["ada", "ada"]
        project.shell("from channels_live.revocation import revoke; revoke('jwt:t3')")
        with pytest.raises(ConnectionClosed):
            revoked.recv(10)
        assert revoked.close_code == SERVICE_RESTART
        assert other.ping().wait(10)
        project.shell("from channels_live.revocation import revoke; revoke('jwt:t4')")
        with pytest.raises(ConnectionClosed):
            other.recv(10)


def test_the_stacks_of_the_page_hold_route_by_route(url: str) -> None:
    with connect(f"{url}/devices/") as socket:
        assert socket.recv(10) == "by the team"
    with connect(f"{url}/public/", origin="https://evil.example") as socket:  # type: ignore[arg-type]
        assert socket.recv(10) == "nobody"
    for path in ("devices", "me"):
        with pytest.raises(InvalidStatus, match="403"):
            connect(f"{url}/{path}/", origin="https://evil.example")  # type: ignore[arg-type]
