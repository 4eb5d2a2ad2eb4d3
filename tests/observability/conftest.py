"""A real Prometheus with the shipped rules, which scrapes a running stack."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from deploy.local import Stack, ports
from tests.observability.prometheus import Prometheus
from tests.support.feed_sockets import next_text, open_feed, post
from tests.support.feed_stack import FeedStack
from tests.support.nginx_metrics import nginx_metrics
from tests.support.tokens import make_token


def send_traffic(stack: Stack, bearer: str) -> None:
    """Request pages, post, send messages between processes, and have a handshake refused, so that counters rise."""
    headers = {"Authorization": f"Bearer {bearer}"}
    with httpx.Client(base_url=stack.url, headers=headers) as client, ExitStack() as opened:
        for path in ("/feed/", "/feed/lobby/", "/nowhere"):
            client.get(path)
        client.get("/feed/", headers={"Host": "evil.example"})
        sockets = [opened.enter_context(open_feed(process.url)) for process in stack.processes if process.role == "ws"]
        for socket in sockets:
            post(socket, "hello")
            for listener in sockets:
                next_text(listener)
        client.post("/api/feeds/lobby/posts", json={"text": "hello"}).raise_for_status()
        for socket in sockets:
            next_text(socket)
    with pytest.raises(InvalidStatus):
        open_feed(stack.url, origin="https://evil.example")


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("observability")
    environment = {"WEB_WORKERS": "3", "REFUSALS_SYSLOG": f"{ports.HOST}:{ports.pick()}"}
    with FeedStack(directory / "stack", ws_processes=2, environment=environment) as stack:
        beside_nginx = nginx_metrics(stack, directory)
        prometheus = Prometheus(directory / "prometheus", [*stack.processes, beside_nginx])
        try:
            beside_nginx.start()
            beside_nginx.wait_ready()
            prometheus.process.start()
            prometheus.process.wait_ready()
            bearer = make_token(stack)
            # A counter's first sample is not an increase, so the traffic comes twice.
            for _ in range(2):
                send_traffic(stack, bearer)
                prometheus.wait_for_scrapes(3)
            yield prometheus
        finally:
            prometheus.process.stop()
            beside_nginx.stop()
