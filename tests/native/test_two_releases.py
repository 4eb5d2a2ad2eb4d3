"""web during a rollout, with servers of two releases."""

import json
import shutil
from pathlib import Path

import httpx
import pytest

from deploy.local import ports
from deploy.local.process import Process
from tests.support.feed_stack import FeedStack

# Named as static files are: with a process of the hash of what is in it.
OLDER = "channels_live/outbox.0123456789ab.js"


class TwoReleases(FeedStack):
    """A stack with a second web, with an older release of one script."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, ws_processes=1)
        web, bind = self.process("web"), f"{ports.HOST}:{ports.pick()}"
        environment = {
            **web.environment,
            "BIND": bind,
            "STATIC_ROOT": str(directory / "older-static"),
            "PROMETHEUS_MULTIPROC_DIR": str(directory / "older-metrics"),
        }
        log = web.log.with_name("older-web.log")
        self.processes.append(
            Process("older-web", "web", f"http://{bind}", web.command, log, web.is_ready, environment)
        )

    def _prepare(self) -> None:
        super()._prepare()
        static = Path(self.environment["STATIC_ROOT"])
        self.newer = json.loads((static / "staticfiles.json").read_text())["paths"]["channels_live/outbox.js"]
        older = shutil.copytree(static, self.directory / "older-static")
        (older / self.newer).rename(older / OLDER)


@pytest.fixture
def stack(tmp_path: Path):
    with TwoReleases(tmp_path) as stack:
        yield stack


def test_static_files_of_both_releases_are_served(stack):
    with httpx.Client(base_url=f"{stack.url}/static/") as visitor:
        for name in (OLDER, stack.newer):
            # More requests than servers, between which nginx alternates.
            assert [visitor.get(name).status_code for _ in range(6)] == [200] * 6
        assert visitor.get("channels_live/outbox.000000000000.js").status_code == 404
