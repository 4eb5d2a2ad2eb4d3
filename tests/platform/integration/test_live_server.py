"""Channels' ChannelsLiveServerTestCase, which runs our application under stock Daphne."""

import os
import subprocess
import sys
from pathlib import Path

from deploy.local.stack import PYTHONPATH, ROOT
from tests.support.feed_stack import PROJECT

SETTINGS = """
from feed_stack.ws import *
DATABASES["default"]["TEST"] = {{"NAME": "{folder}/test.sqlite3"}}
"""
TEST = """
from channels.testing import ChannelsLiveServerTestCase
from websockets.sync.client import connect

class Live(ChannelsLiveServerTestCase):
    serve_static = False

    def test_two_members_receive_the_post(self):
        url, origin = self.live_server_ws_url + "/ws/feed/lobby/", self.live_server_url
        with connect(url, origin=origin) as alice, connect(url, origin=origin) as bob:
            alice.send('{"type": "entry", "id": "1", "text": "hello"}')
            for socket in (alice, bob):
                while '"text":"hello"' not in socket.recv(10):
                    pass
"""


def test_channels_live_server_test_case_passes(tmp_path: Path, redis_address: str) -> None:
    (tmp_path / "live_settings.py").write_text(SETTINGS.format(folder=tmp_path))
    (tmp_path / "test_live.py").write_text(TEST)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), PYTHONPATH, str(tmp_path)]),
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "REDIS_URL": redis_address,
        "DJANGO_SETTINGS_MODULE": "live_settings",
    }
    command = [sys.executable, "-m", "django", "test", "test_live", "--noinput"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert "Ran 1 test" in result.stderr
