"""``python -m channels_live.server`` in a project that has nothing of this repository but the package."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from deploy.local import Process, ports
from deploy.local.process import answers_http
from deploy.local.stack import ROOT

SETTINGS = """
INSTALLED_APPS += ["channels_live"]
ASGI_APPLICATION = "mysite.asgi.application"
CHANNELS_LIVE = {{"BIND": "{address}", "DRAIN_SECONDS": 0}}
"""
ASGI = """
from channels.routing import ProtocolTypeRouter
from channels_live.consumers import DirectConsumer

class Echo(DirectConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data, bytes_data)

application = ProtocolTypeRouter({"websocket": Echo.as_asgi()})
"""


@pytest.fixture
def address() -> str:
    return f"{ports.HOST}:{ports.pick()}"


@pytest.fixture
def project(tmp_path: Path, address: str) -> Path:
    """A project of ``django-admin startproject``, with migrated tables."""
    django_admin(tmp_path, "startproject", "mysite", ".")
    with (tmp_path / "mysite/settings.py").open("a") as settings:
        settings.write(SETTINGS.format(address=address))
    (tmp_path / "mysite/asgi.py").write_text(ASGI)
    django_admin(tmp_path, "migrate", "-v0", DJANGO_SETTINGS_MODULE="mysite.settings")
    return tmp_path


@pytest.fixture
def server(project: Path, address: str) -> Iterator[Process]:
    command = [sys.executable, "-m", "channels_live.server"]
    log = project / "server.log"
    server = Process("server", "ws", f"http://{address}", command, log, answers_http("/readyz"), environment(project))
    server.start()
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


def environment(project: Path, **variables: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    paths = os.pathsep.join([str(ROOT / "src"), str(project)])
    return {**own, "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "mysite.settings", **variables}


def django_admin(project: Path, *arguments: str, **variables: str) -> None:
    own = {name: value for name, value in environment(project).items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "django", *arguments]
    subprocess.run(command, cwd=project, env={**own, **variables}, check=True, timeout=60)


def run(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "channels_live.server", *arguments]
    return subprocess.run(
        command,
        cwd=project,
        env=environment(project, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_server_serves_asgi_application_and_closes_with_1012_on_sigterm(server: Process) -> None:
    with connect(server.url.replace("http", "ws") + "/any/path") as client:
        client.send("hello")
        assert client.recv(10) == "hello"
        assert server.pid
        os.kill(server.pid, signal.SIGTERM)
        with pytest.raises(ConnectionClosed):
            client.recv(10)
        assert client.close_code == 1012
    assert server.wait_stopped(20) == 0


def test_probes_are_answered_without_an_http_application(server: Process) -> None:
    assert json.load(urlopen(f"{server.url}/livez")) == {"status": "ok"}
    assert json.load(urlopen(f"{server.url}/readyz")) == {"status": "ok", "database": "ok"}
    metrics = urlopen(f"{server.url}/metrics").read().decode()
    assert "websocket_connections 0.0" in metrics
    # What only the chat refuses, or closes with, is the chat's to register.
    assert 'limit="ping"' in metrics
    assert not [name for name in ("typing", "history", "forbidden", "4403") if f'="{name}"' in metrics]
    with pytest.raises(HTTPError, match="404"):
        urlopen(f"{server.url}/anything/else")


def test_http_application_of_the_project_gets_all_but_the_probes(project: Path, server: Process) -> None:
    server.stop()
    with (project / "mysite/asgi.py").open("a") as asgi:
        asgi.write("from django.core.asgi import get_asgi_application\n")
        asgi.write('application.application_mapping["http"] = get_asgi_application()\n')
    server.start()
    server.wait_ready()
    assert json.load(urlopen(f"{server.url}/livez")) == {"status": "ok"}
    assert "Django" in urlopen(f"{server.url}/admin/login/").read().decode()


def test_help_names_every_setting(project: Path) -> None:
    result = run(project, "--help")
    assert result.returncode == 0
    for name in ("BIND", "MAX_SOCKETS", "DRAIN_SECONDS", "PING_INTERVAL"):
        assert f"\n  {name} " in result.stdout


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ('CHANNELS_LIVE["BIND"] = "here"', "CHANNELS_LIVE['BIND']: expected an address and a port"),
        ('CHANNELS_LIVE["MAX_SOCKETS"] = 10**6', "MAX_SOCKETS: 1000000 sockets need"),
        ('ASGI_APPLICATION = "mysite.nowhere.application"', "Cannot import ASGI_APPLICATION module"),
        (
            "from django.core import checks\n"
            'checks.register(lambda **_: [checks.Error("Not on Mondays.")], "channels_live.server")',
            "Not on Mondays.",
        ),
    ],
    ids=["BIND", "MAX_SOCKETS", "ASGI_APPLICATION", "system check"],
)
def test_start_is_stopped_with_one_sentence(project: Path, setting: str, sentence: str) -> None:
    with (project / "mysite/settings.py").open("a") as settings:
        settings.write(setting)
    result = run(project)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith(f"Invalid configuration: {sentence}")
    assert "Traceback" not in result.stderr


def test_missing_settings_module_is_named(project: Path) -> None:
    result = run(project, DJANGO_SETTINGS_MODULE="")
    assert result.returncode == 1
    assert result.stderr.startswith("DJANGO_SETTINGS_MODULE is not set")
