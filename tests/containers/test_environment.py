"""Proxy variables in the environment, and IPv6."""

import json

import pytest

from tests.containers.project import Project
from tests.support.engine import docker

# Docker sets these in every container if its client is configured with a proxy. Nothing listens on this port.
PROXIES = dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
LISTENS = {"nginx": [8080, 8081], "web": [8000], "ws": [8000]}


@pytest.mark.parametrize("service", ["nginx", "web", "ws", "redis", "postgres"])
def test_health_check_ignores_proxy_variables(project: Project, service: str) -> None:
    options = [option for name, value in PROXIES.items() for option in ("--env", f"{name}={value}")]
    for container in project.containers(service):
        kind, *command = container["Config"]["Healthcheck"]["Test"]
        assert kind == "CMD"
        docker("exec", *options, container["Id"], *command)


def test_health_checks_with_wget_unset_http_proxy() -> None:
    # Of Prometheus and Grafana, whose images may be unavailable. busybox's wget reads http_proxy and ignores no_proxy.
    services = json.loads(Project().compose("--profile", "observability", "config", "--format", "json"))["services"]
    commands = [service.get("healthcheck", {}).get("test") or [] for service in services.values()]
    asking = [command for command in commands if "wget" in command]
    assert len(asking) == 2
    assert all(command[:5] == ["CMD", "env", "-u", "http_proxy", "wget"] for command in asking)


@pytest.mark.parametrize(("service", "port"), [(name, port) for name, ports in LISTENS.items() for port in ports])
def test_listens_on_ipv6(project: Project, service: str, port: int) -> None:
    """Required in clusters without IPv4."""
    for container in project.ids(service):
        sockets = [line.split() for line in project.execute(container, "cat", "/proc/net/tcp6").splitlines()[1:]]
        # State 0A is LISTEN.
        assert (f"{'0' * 32}:{port:04X}", "0A") in {(fields[1], fields[3]) for fields in sockets}
