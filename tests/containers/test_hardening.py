"""Privileges, limits and networks of the running containers."""

import pytest

from tests.containers.project import Project
from tests.support.engine import docker, inspect

SERVICES = ["nginx", "web", "ws", "redis", "postgres"]


@pytest.mark.parametrize("service", SERVICES)
def test_no_process_runs_as_root(project: Project, service: str) -> None:
    for container in project.ids(service):
        processes = docker("top", container, "-eo", "pid,uid").stdout.splitlines()[1:]
        assert processes
        assert "0" not in {process.split()[1] for process in processes}


@pytest.mark.parametrize("service", SERVICES)
def test_capabilities_are_empty_and_cannot_be_gained(project: Project, service: str) -> None:
    for container in project.ids(service):
        status = project.execute(container, "cat", "/proc/1/status", "/proc/self/status")
        facts = [line.split() for line in status.splitlines()]
        assert {fact[1] for fact in facts if fact[0].startswith("Cap")} == {"0" * 16}
        assert {fact[1] for fact in facts if fact[0] == "NoNewPrivs:"} == {"1"}


@pytest.mark.parametrize("service", SERVICES)
def test_root_file_system_is_read_only(project: Project, service: str) -> None:
    for container in project.containers(service):
        assert container["HostConfig"]["ReadonlyRootfs"]
        mounts = project.execute(container["Id"], "cat", "/proc/mounts").splitlines()
        root = next(mount.split() for mount in mounts if mount.split()[1] == "/")
        assert "ro" in root[3].split(",")


@pytest.mark.parametrize("service", SERVICES)
def test_limits_log_rotation_and_restart_policy_are_set(project: Project, service: str) -> None:
    for container in project.containers(service):
        host = container["HostConfig"]
        assert host["Memory"] > 0
        assert host["NanoCpus"] > 0
        assert host["PidsLimit"] > 0
        assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        assert container["State"]["Health"]["Status"] == "healthy"


@pytest.mark.parametrize("service", SERVICES)
def test_first_process_reaps_orphans(project: Project, service: str) -> None:
    container = project.ids(service)[0]
    project.execute(container, "sh", "-c", "(sleep 0.1 &)")
    states = "sleep 1; for status in /proc/[0-9]*/status; do grep -h '^State' $status; done 2>/dev/null; true"
    assert "zombie" not in project.execute(container, "sh", "-c", states)


def test_only_nginx_is_published_and_on_loopback_only(project: Project) -> None:
    published = {
        (container["Config"]["Labels"]["com.docker.compose.service"], binding["HostIp"], binding["HostPort"])
        for container in project.containers()
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or []
    }
    assert published == {("nginx", "127.0.0.1", str(project.port))}


def test_only_web_and_ws_can_connect_to_postgres_and_redis(project: Project) -> None:
    nginx, web, ws = (project.containers(service)[0] for service in ("nginx", "web", "ws"))
    assert len(nginx["NetworkSettings"]["Networks"]) == 1
    for service, port in {"postgres": 5432, "redis": 6379}.items():
        network = project.containers(service)[0]["NetworkSettings"]["Networks"]
        assert network.keys() == {f"{project.name}_back"}
        address = network[f"{project.name}_back"]["IPAddress"]
        connect = f"import socket; socket.create_connection(('{address}', {port}), 2)"
        for container in (web, ws):
            project.execute(container["Id"], "python", "-c", connect)
        # nginx's image has no Python, so another container on its network tries to connect.
        stranger = ["run", "--rm", "--network", f"{project.name}_front", "channels-stack/ws:test"]
        assert "timed out" in docker(*stranger, "python", "-c", connect, check=False).stderr


def test_back_network_is_internal(project: Project) -> None:
    assert inspect(f"{project.name}_back")[0]["Internal"]
