"""The process web.nginx_metrics, which counts the requests that nginx rejects."""

import sys
from pathlib import Path

from deploy.local import Process, Stack, ports
from deploy.local.process import answers_http


def nginx_metrics(stack: Stack, directory: Path, **environment: str) -> Process:
    """Return the process, not started yet, for a stack with REFUSALS_SYSLOG."""
    bind = f"{ports.HOST}:{ports.pick()}"
    return Process(
        "nginx-metrics",
        "nginx-metrics",
        f"http://{bind}",
        [sys.executable, "-m", "web.nginx_metrics"],
        directory / "nginx-metrics.log",
        answers_http("/metrics"),
        {**stack.environment, "BIND": bind, **environment},
    )
