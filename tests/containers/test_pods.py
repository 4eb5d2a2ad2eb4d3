"""The pods of the local overlay, run with the settings that the manifests give them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import connect

from deploy.local import ports
from tests.containers.kubelet import Kubelet, Pod, needs_root, with_test_images
from tests.containers.project import ROOT, answers, wait_until
from tests.support.engine import docker

LOCAL = ROOT / "deploy/k8s/overlays/local"
WORKLOADS = ["postgres", "redis", "web", "ws", "nginx"]

pytestmark = needs_root


@pytest.fixture(scope="module")
def kubelet(images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubelet]:
    kubelet = Kubelet(with_test_images(LOCAL), tmp_path_factory.mktemp("pods"))
    try:
        yield kubelet
    finally:
        kubelet.stop()


@pytest.fixture(scope="module")
def url() -> str:
    return f"http://127.0.0.1:{ports.pick()}"


@pytest.fixture(scope="module")
def pods(kubelet: Kubelet, url: str) -> dict[str, Pod]:
    """One pod of each workload. web starts before the database, the database before the Job, so that each must wait."""
    web = kubelet.pod("web")
    waiting = web.run(web.workload.pod["initContainers"][0], *web.network)
    wait_until(lambda: "the database does not answer" in docker("logs", waiting).stdout, 30)
    pods = {"web": web, "postgres": kubelet.start("postgres"), "redis": kubelet.start("redis")}
    wait_until(lambda: "migrations are not applied" in docker("logs", waiting).stdout, 60)
    job = kubelet.start("migrate")
    assert docker("wait", job.id("migrate")).stdout.strip() == "0", docker("logs", job.id("migrate")).stderr
    assert docker("wait", waiting).stdout.strip() == "0"
    web.start_containers()
    pods["ws"] = kubelet.start("ws")
    publish = url.removeprefix("http://") + ":8080"
    pods["nginx"] = kubelet.start("nginx", 0, "--publish", publish)
    wait_until(lambda: answers(f"{url}/chat/"), 60)
    return pods


@pytest.mark.parametrize("workload", WORKLOADS)
def test_pod_answers_all_probes(pods: dict[str, Pod], workload: str) -> None:
    pod = pods[workload]
    container = pod.workload.pod["containers"][0]
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container.get(name, {})
        if "httpGet" in probe:
            port = pod.workload.ports[probe["httpGet"]["port"]]
            wait_until(lambda: answers(f"http://{pod.address}:{port}{probe['httpGet']['path']}"), 30)  # noqa: B023
        elif "exec" in probe:
            docker("exec", pod.id(container["name"]), *probe["exec"]["command"])


def test_passes_the_behaviour_suite(pods: dict[str, Pod], url: str) -> None:
    command = [sys.executable, "-m", "pytest", "tests/chat/behaviour", "-m", "not idle"]
    result = subprocess.run(command, cwd=ROOT, env=os.environ | {"BASE_URL": url}, check=False)
    assert result.returncode == 0


async def test_new_pod_gets_new_sockets_until_it_has_as_many_as_the_other(
    pods: dict[str, Pod], kubelet: Kubelet, url: str
) -> None:
    address = f"{url.replace('http', 'ws', 1)}/ws/chat/share/"
    async with AsyncExitStack() as sockets:
        for _ in range(40):
            await sockets.enter_async_context(connect(address, origin=url))  # type: ignore[arg-type]
        new = kubelet.start("ws", 1)
        # nginx resolves the Service every 2 s. Until then the old pod gets new sockets.
        while sockets_of(new) < 20:
            assert sockets_of(pods["ws"]) < 200
            await sockets.enter_async_context(connect(address, origin=url))  # type: ignore[arg-type]
        before = sockets_of(pods["ws"])
        for _ in range(10):
            await sockets.enter_async_context(connect(address, origin=url))  # type: ignore[arg-type]
        assert sockets_of(pods["ws"]) == before
        assert sockets_of(new) >= 30


def sockets_of(pod: Pod) -> int:
    """Return the number of connections to the port of a ws pod."""
    # If the server listens on IPv6 too, connections over IPv4 are in /proc/net/tcp6.
    tables = docker("exec", pod.id("ws"), "sh", "-c", "cat /proc/net/tcp*").stdout.splitlines()
    rows = [line.split() for line in tables]
    return sum(row[1].endswith(":1F40") and row[3] == "01" for row in rows)


@pytest.mark.parametrize("workload", WORKLOADS[::-1])
def test_pod_stops_with_exit_code_0_within_its_grace_period(pods: dict[str, Pod], workload: str) -> None:
    pod = pods[workload]
    container = pod.workload.pod["containers"][0]["name"]
    seconds = pod.workload.pod["terminationGracePeriodSeconds"]
    docker("stop", "--time", str(seconds), pod.id(container))
    state = pod.state(container)
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)
