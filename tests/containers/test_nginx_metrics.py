"""The counter of what nginx refuses, in nginx' network."""

import http.client
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from tests.containers.project import Project, answers, wait_until


@pytest.fixture
def address(project: Project) -> Iterator[str]:
    """Where Prometheus asks: nginx' address in the network, at the port that all services have."""
    profile = ("--profile", "observability")
    project.compose(*profile, "up", "--wait", "nginx-metrics")
    try:
        (nginx,) = project.containers("nginx")
        (network,) = nginx["NetworkSettings"]["Networks"].values()
        assert "nginx-metrics" in network["Aliases"]
        yield f"http://{network['IPAddress']}:8000/metrics"
    finally:
        project.compose(*profile, "rm", "--stop", "--force", "nginx-metrics")


def test_what_nginx_refuses_is_counted_and_not_shown_to_the_world(project: Project, address: str) -> None:
    door = http.client.HTTPConnection("127.0.0.1", project.port, timeout=5)
    door.request("GET", "/feed/", headers={"Host": "evil.example"})
    assert door.getresponse().status == 421
    door.close()
    refused = 'nginx_refused_requests_total{limit="host"} 1.0'
    wait_until(lambda: refused in urlopen(address, timeout=5).read().decode(), 5)
    assert not answers(f"{project.url}/metrics")
