"""The process that counts what nginx refuses."""

import sys
from pathlib import Path

from deploy.local import Part, Stack, ports
from deploy.local.part import answers_http


def nginx_metrics(stack: Stack, directory: Path, **environment: str) -> Part:
    """Return the process that counts, for a stack whose nginx sends to REFUSALS_SYSLOG; it is not started."""
    bind = f"{ports.HOST}:{ports.pick()}"
    return Part(
        "nginx-metrics",
        "nginx-metrics",
        f"http://{bind}",
        [sys.executable, "-m", "web.nginx_metrics"],
        directory / "nginx-metrics.log",
        answers_http("/metrics"),
        {**stack.environment, "BIND": bind, **environment},
    )
