import os
import sys
from collections.abc import Iterator

import pytest

from deploy.local import Process, ports
from deploy.local.process import answers_http
from deploy.local.stack import ROOT

PYTHONPATH = os.pathsep.join(str(ROOT / folder) for folder in ("src", "services", "apps", "."))


@pytest.fixture(scope="session")
def echo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Our server with an echo consumer, as a process of its own."""
    directory = tmp_path_factory.mktemp("echo")
    address = f"{ports.HOST}:{ports.pick()}"
    process = Process(
        "echo",
        "ws",
        f"http://{address}",
        [sys.executable, "-m", "tests.conformance.echo_server"],
        directory / "echo.log",
        answers_http("/"),
        environment={
            **os.environ,
            "PYTHONPATH": PYTHONPATH,
            "DJANGO_SETTINGS_MODULE": "ws.settings",
            "SECRET_KEY": "conformance",
            "BIND": address,
            "MEMBER_BUFFER_KIB": "65536",
        },
    )
    process.start()
    try:
        process.wait_ready()
        yield process
    finally:
        process.stop()
