"""The tests of the Channels tutorial's part 4: on a running stack, and on the tutorial's own project on our server."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local import Process, Stack, ports
from deploy.local.process import answers_http
from deploy.local.stack import ROOT
from tests.support.redis import running_redis
from tests.upstream import tutorial

# What the tutorial's project needs for our server. Its own channel layer is channels_redis.core.
SETTINGS = """
INSTALLED_APPS = ["channels_live", "chat", *INSTALLED_APPS]
ASGI_APPLICATION = "mysite.asgi.application"
CHANNEL_LAYERS = {{"default": {{"BACKEND": "channels_live.layers.ChannelLayer", "CONFIG": {{"hosts": ["{redis}"]}}}}}}
ALLOWED_HOSTS = ["127.0.0.1"]
CHANNELS_LIVE = {{"BIND": "{address}", "DRAIN_SECONDS": 0}}
"""
STOCK, OURS = "from channels.generic.websocket import", "from channels_live.consumers import"


def test_the_tutorials_tests_pass_on_the_stack(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    tutorial.run_tests(stack.url, monkeypatch)


@contextmanager
def tutorials_server(directory: Path, parts: tuple[int, ...], *, is_changed: bool) -> Iterator[str]:
    """Serve the project that these parts of the tutorial write, with one import changed or none; give its address."""
    address = f"{ports.HOST}:{ports.pick()}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(directory)])}
    environment["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
    startproject = [sys.executable, "-m", "django", "startproject", "mysite", "."]
    own = {name: value for name, value in environment.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(startproject, cwd=directory, env=own, check=True)
    written = tutorial.files(*parts)
    del written["mysite/settings.py"]
    assert written["chat/consumers.py"].count(STOCK) == 1
    if is_changed:
        written["chat/consumers.py"] = written["chat/consumers.py"].replace(STOCK, OURS)
    for name, text in written.items():
        path = directory / ("chat/templates" if name.startswith("templates") else "") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (directory / "chat/__init__.py").touch()
    with running_redis(directory) as redis:
        with (directory / "mysite/settings.py").open("a") as settings:
            settings.write(SETTINGS.format(redis=redis.url, address=address))
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=directory, env=environment, check=True)
        command = [sys.executable, "-m", "channels_live.server"]
        log = directory / "server.log"
        server = Process("server", "ws", f"http://{address}", command, log, answers_http("/readyz"), environment)
        server.start()
        try:
            server.wait_ready()
            yield server.url
        finally:
            server.stop()
        assert "Traceback" not in log.read_text()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("is_changed", [True, False], ids=["one import changed", "unmodified"])
@pytest.mark.parametrize("parts", [(1, 2), (1, 2, 3)], ids=["part 2, synchronous", "part 3, asynchronous"])
def test_the_tutorials_project_works_on_our_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: tuple[int, ...], is_changed: bool
) -> None:
    with tutorials_server(tmp_path, parts, is_changed=is_changed) as url:
        tutorial.run_tests(url, monkeypatch)
