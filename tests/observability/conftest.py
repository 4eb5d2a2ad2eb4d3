"""A real Prometheus that scrapes a real stack, with the shipped rules."""

import json
import re
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from deploy.local import Part, Stack, ports
from deploy.local.part import answers_http
from deploy.local.stack import ROOT
from tests.chat.native.test_publisher import make_token
from tests.native.test_nginx_metrics import nginx_metrics

FOLDER = ROOT / "deploy" / "observability"


def find_program(name: str) -> str:
    """Return the program's path; without it the run fails, since a skipped run would look like a good one."""
    path = shutil.which(name)
    if path is None:
        pytest.exit("These tests need Prometheus and its promtool; on Debian: apt-get install prometheus", returncode=1)
    return path


class Prometheus:
    """Prometheus on a free port, which scrapes the parts that have metrics every second."""

    def __init__(self, directory: Path, parts: Collection[Part]) -> None:
        port = ports.pick()
        directory.mkdir()
        shutil.copy(FOLDER / "alerts.yml", directory)
        shipped = (FOLDER / "prometheus.yml").read_text()
        targets = {
            role: [part.url.removeprefix("http://") for part in parts if part.role == role]
            for role in ("web", "ws", "nginx-metrics")
        }
        self.targets = sum(map(len, targets.values()))
        jobs = [{"job_name": role, "static_configs": [{"targets": each}]} for role, each in targets.items()]
        assert all(f"job_name: {role}\n" in shipped for role in targets)
        # Everything but the addresses is as shipped. JSON is YAML.
        head = re.sub(r"_interval: \d+s", "_interval: 1s", shipped.partition("scrape_configs:")[0])
        (directory / "prometheus.yml").write_text(f"{head}scrape_configs: {json.dumps(jobs)}\n")
        command = [
            find_program("prometheus"),
            f"--config.file={directory}/prometheus.yml",
            f"--storage.tsdb.path={directory}/data",
            f"--web.listen-address={ports.HOST}:{port}",
        ]
        url = f"http://{ports.HOST}:{port}"
        self.part = Part("prometheus", "prometheus", url, command, directory / "log", answers_http("/-/ready"))

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer of Prometheus' HTTP API; an error fails the test with what it says."""
        answer = httpx.get(f"{self.part.url}/api/v1/{path}", params=parameters)
        content = answer.json()
        assert content["status"] == "success", (parameters, content)
        return content["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an instant query."""
        return self.get("query", query=expression)["result"]

    def scrapes(self) -> int:
        """Return how many times every process of the stack has been scraped."""
        counts = [int(series["value"][1]) for series in self.query("count_over_time(up[10m])")]
        return min(counts) if len(counts) == self.targets else 0

    def wait_for_scrapes(self, number: int) -> None:
        """Return after so many more scrapes of every process."""
        wanted = self.scrapes() + number
        deadline = time.monotonic() + 60
        while self.scrapes() < wanted:
            assert time.monotonic() < deadline, "Prometheus scrapes nothing"
            time.sleep(0.2)


def open_socket(url: str, origin: str | None = None) -> ClientConnection:
    """Open the chat's socket at a server's address, as a page of its own or of another origin."""
    address = f"{url.replace('http', 'ws', 1)}/ws/chat/lobby/"
    return connect(address, origin=origin or url)  # type: ignore[arg-type]


def send_traffic(stack: Stack, bearer: str) -> None:
    """Do what moves the counters: pages, posts, messages between processes, and a refused handshake."""
    headers = {"Authorization": f"Bearer {bearer}"}
    with httpx.Client(base_url=stack.url, headers=headers) as client, ExitStack() as opened:
        for path in ("/chat/", "/chat/lobby/", "/nowhere"):
            client.get(path)
        client.get("/chat/", headers={"Host": "evil.example"})
        sockets = [opened.enter_context(open_socket(part.url)) for part in stack.parts if part.role == "ws"]
        for socket in sockets:
            socket.send('{"message": "hello"}')
            for listener in sockets:
                listener.recv(10)
        client.post("/api/rooms/lobby/messages", json={"message": "hello"}).raise_for_status()
        for socket in sockets:
            socket.recv(10)
    with pytest.raises(InvalidStatus):
        open_socket(stack.url, origin="https://evil.example")


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("observability")
    environment = {"WEB_WORKERS": "3", "REFUSALS_SYSLOG": f"{ports.HOST}:{ports.pick()}"}
    with Stack(directory / "stack", ws_processes=2, environment=environment) as stack:
        beside_nginx = nginx_metrics(stack, directory)
        prometheus = Prometheus(directory / "prometheus", [*stack.parts, beside_nginx])
        try:
            beside_nginx.start()
            beside_nginx.wait_ready()
            prometheus.part.start()
            prometheus.part.wait_ready()
            bearer = make_token(stack)
            # A counter's first value is no increase.
            for _ in range(2):
                send_traffic(stack, bearer)
                prometheus.wait_for_scrapes(3)
            yield prometheus
        finally:
            prometheus.part.stop()
            beside_nginx.stop()
