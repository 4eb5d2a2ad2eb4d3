"""Starts Prometheus with the shipped configuration, but the tests' own targets."""

import json
import re
import shutil
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local import Process, ports
from deploy.local.process import answers_http
from deploy.local.stack import ROOT

FOLDER = ROOT / "deploy" / "observability"


def find_program(name: str) -> str:
    """Return the program's path; ends the test run where it is missing, since skipped tests look like passed ones."""
    path = shutil.which(name)
    if path is None:
        pytest.exit("These tests need Prometheus and its promtool; on Debian: apt-get install prometheus", returncode=1)
    return path


class Prometheus:
    """Prometheus on a free port, which scrapes the processes that have metrics every second."""

    def __init__(self, directory: Path, processes: Collection[Process]) -> None:
        port = ports.pick()
        directory.mkdir()
        shutil.copy(FOLDER / "alerts.yml", directory)
        shipped = (FOLDER / "prometheus.yml").read_text()
        targets = {
            role: [process.url.removeprefix("http://") for process in processes if process.role == role]
            for role in ("web", "ws", "nginx-metrics")
        }
        self.targets = sum(map(len, targets.values()))
        jobs = [{"job_name": role, "static_configs": [{"targets": each}]} for role, each in targets.items()]
        assert all(f"job_name: {role}\n" in shipped for role in targets)
        # Only the addresses and the intervals differ from the shipped file. JSON is valid YAML.
        head = re.sub(r"_interval: \d+s", "_interval: 1s", shipped.partition("scrape_configs:")[0])
        (directory / "prometheus.yml").write_text(f"{head}scrape_configs: {json.dumps(jobs)}\n")
        command = [
            find_program("prometheus"),
            f"--config.file={directory}/prometheus.yml",
            f"--storage.tsdb.path={directory}/data",
            f"--web.listen-address={ports.HOST}:{port}",
        ]
        url = f"http://{ports.HOST}:{port}"
        self.process = Process("prometheus", "prometheus", url, command, directory / "log", answers_http("/-/ready"))

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of a response of Prometheus's HTTP API; an error fails the test with its text."""
        answer = httpx.get(f"{self.process.url}/api/v1/{path}", params=parameters)
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
        """Return after ``number`` more scrapes of every process."""
        wanted = self.scrapes() + number
        deadline = time.monotonic() + 60
        while self.scrapes() < wanted:
            assert time.monotonic() < deadline, "Prometheus scrapes nothing"
            time.sleep(0.2)
