"""nginx-metrics, which counts the requests that nginx rejects, in compose."""

import http.client
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from tests.containers.project import Project, answers, wait_until


@pytest.fixture
def address(project: Project) -> Iterator[str]:
    """The URL that Prometheus scrapes: port 8000 of nginx's address."""
    profile = ("--profile", "observability")
    project.compose(*profile, "up", "--wait", "nginx-metrics")
    try:
        (nginx,) = project.containers("nginx")
        (network,) = nginx["NetworkSettings"]["Networks"].values()
        assert "nginx-metrics" in network["Aliases"]
        yield f"http://{network['IPAddress']}:8000/metrics"
    finally:
        project.compose(*profile, "rm", "--stop", "--force", "nginx-metrics")


def test_requests_rejected_by_nginx_are_counted_and_metrics_are_not_published(project: Project, address: str) -> None:
    nginx = http.client.HTTPConnection("127.0.0.1", project.port, timeout=5)
    nginx.request("GET", "/feed/", headers={"Host": "evil.example"})
    assert nginx.getresponse().status == 421
    nginx.close()
    refused = 'nginx_refused_requests_total{limit="host"} 1.0'
    wait_until(lambda: refused in urlopen(address, timeout=5).read().decode(), 5)
    assert not answers(f"{project.url}/metrics")
