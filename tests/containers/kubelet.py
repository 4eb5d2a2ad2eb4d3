"""Runs the pods of rendered manifests on the container engine, as a kubelet would.

User, groups, read-only root, capabilities, limits, environment, volumes and commands are those of the manifests; there
is no init process. DNS is as in a cluster: ``web`` resolves only with the search domain, as
``web.channels-stack.svc.cluster.local``. Not covered: admission, NetworkPolicies, restarts by probes, and the order in
which a cluster starts things.
"""

import base64
import os
import re
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from tests.support.engine import docker, inspect
from tests.support.manifests import Manifests, Object, Workload, render

DOMAIN = "channels-stack.svc.cluster.local"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give the files of a Secret to a pod's group")


class Pod:
    """A running pod, whose containers share one IP address."""

    def __init__(self, kubelet: "Kubelet", workload: Workload, name: str) -> None:
        self._kubelet, self.workload, self.name = kubelet, workload, name
        dns = ["--dns-search", DOMAIN, "--dns-option", "ndots:5"]
        self.network = ["--network", kubelet.network, "--hostname", name, *dns]
        for alias in kubelet.names_of(workload, name):
            self.network += ["--network-alias", alias]
        self._folder = kubelet.folder / f"{name}-{token_hex(2)}"

    def id(self, container: str) -> str:
        """Return the container's name in the engine."""
        return f"{self._kubelet.network}-{self.name}-{container}"

    def run(self, container: Object, *options: str) -> str:
        """Start a container and return its id."""
        name = self.id(container["name"])
        # Before it runs, because a container that fails to start must be removed too.
        self._kubelet.containers.append(name)
        return docker("run", "--detach", "--name", name, *options, *self._arguments(container)).stdout.strip()

    def finish(self, container: Object) -> None:
        """Run a container until it exits, and expect the exit code 0."""
        id = self.run(container, *self.network)
        code = docker("wait", id).stdout.strip()
        assert code == "0", docker("logs", id).stdout + docker("logs", id).stderr

    def start_containers(self, *options: str) -> None:
        """Start the containers; again if the first exits at once, as a kubelet does."""
        first, *others = self.workload.pod["containers"]
        for is_last_try in (False, True):
            id = self.run(first, *self.network, *options)
            try:
                for container in others:
                    self.run(container, "--network", f"container:{id}")
            except AssertionError as error:
                logs = docker("logs", id)
                if is_last_try or inspect(id)[0]["State"]["Running"]:
                    raise AssertionError(f"{error}\n{first['name']}: {logs.stdout}{logs.stderr}") from error
                print(f"{self.id(first['name'])} ended at once: {logs.stdout}{logs.stderr}")
                docker("rm", "--force", *(self.id(container["name"]) for container in (first, *others)), check=False)
            else:
                return

    def state(self, container: str) -> dict[str, Any]:
        """Return the engine's ``State`` of the container."""
        state: dict[str, Any] = inspect(self.id(container))[0]["State"]
        return state

    @property
    def address(self) -> str:
        networks = inspect(self.id(self.workload.pod["containers"][0]["name"]))[0]["NetworkSettings"]["Networks"]
        return str(networks[self._kubelet.network]["IPAddress"])

    def _arguments(self, container: Object) -> list[str]:
        context, limits = self.workload.pod["securityContext"], container["resources"]["limits"]
        command = container.get("command", [])
        arguments = [
            *("--user", f"{context['runAsUser']}:{context['runAsGroup']}", "--group-add", str(context["fsGroup"])),
            *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
            *("--memory", limits["memory"].replace("Mi", "m"), "--ulimit", "nofile=1024:20000"),
            *(item for variable in self._environment(container) for item in ("--env", variable)),
            *(item for mount in container.get("volumeMounts", []) for item in self._mount(mount)),
            *(("--entrypoint", command[0]) if command else ()),
        ]
        return [*arguments, container["image"], *command[1:], *container.get("args", [])]

    def _environment(self, container: Object) -> list[str]:
        values = {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}
        for source in container.get("envFrom", []):
            values |= self._kubelet.manifests.named("ConfigMap", source["configMapRef"]["name"])["data"]
        values |= {variable["name"]: variable["value"] for variable in container.get("env", [])}
        return [f"{name}={value}" for name, value in values.items()]

    def _mount(self, mount: Object) -> tuple[str, str]:
        group = self.workload.pod["securityContext"]["fsGroup"]
        volumes = self.workload.pod.get("volumes", [])
        volume = next((item for item in volumes if item["name"] == mount["name"]), {})
        if "secret" in volume or "configMap" in volume:
            folder = self._files(volume, group)
            return "--volume", f"{folder}:{mount['mountPath']}:ro"
        # Volumes are owned by root and writable for the group, emptyDirs for everyone.
        folder = self._folder / mount["name"]
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, 0, group)
        folder.chmod(0o2777 if "emptyDir" in volume else 0o2775)
        _open_way_to(folder)
        return "--volume", f"{folder}:{mount['mountPath']}"

    def _files(self, volume: Object, group: int) -> Path:
        folder = self._folder / volume["name"]
        folder.mkdir(parents=True, exist_ok=True)
        if "secret" in volume:
            name, mode = volume["secret"]["secretName"], volume["secret"]["defaultMode"]
            data = self._kubelet.manifests.named("Secret", name)["data"]
            values = {key: base64.b64decode(value) for key, value in data.items()}
            if "items" in volume["secret"]:
                values = {item["path"]: values[item["key"]] for item in volume["secret"]["items"]}
        else:
            mode = 0o644
            data = self._kubelet.manifests.named("ConfigMap", volume["configMap"]["name"])["data"]
            values = {key: value.encode() for key, value in data.items()}
        for key, value in values.items():
            path = folder / key
            path.write_bytes(value)
            path.chmod(mode)
            os.chown(path, 0, group)
        _open_way_to(folder / "file")
        return folder


def _open_way_to(path: Path) -> None:
    """Make a temporary folder of pytest accessible for every user."""
    for folder in path.parents[:3]:
        folder.chmod(0o755)


class Kubelet:
    """Runs pods on a network of its own."""

    def __init__(self, manifests: Manifests, folder: Path) -> None:
        self.manifests, self.folder = manifests, folder
        self.network = f"test-pods-{token_hex(4)}"
        self.containers: list[str] = []
        docker("network", "create", self.network)

    def pod(self, workload: str, number: int = 0) -> Pod:
        """Return a pod of the workload, not started yet."""
        found = self.manifests.workload(workload)
        return Pod(self, found, f"{found.object['metadata']['name']}-{number}")

    def start(self, workload: str, number: int = 0, *options: str) -> Pod:
        """Run a pod's init containers, then start its containers."""
        pod = self.pod(workload, number)
        for container in pod.workload.pod.get("initContainers", []):
            pod.finish(container)
        pod.start_containers(*options)
        return pod

    def names_of(self, workload: Workload, pod: str) -> list[str]:
        """Return the DNS names of a pod."""
        services = [
            item["metadata"]["name"]
            for item in self.manifests.of("Service")
            if item["spec"]["selector"].items() <= workload.labels.items()
        ]
        own = workload.object["spec"].get("serviceName")
        return [f"{name}.{DOMAIN}" for name in services] + ([f"{pod}.{own}.{DOMAIN}"] if own else [])

    def stop(self) -> None:
        """Remove the containers and the network."""
        docker("rm", "--force", "--volumes", *self.containers, check=False)
        docker("network", "rm", self.network)


def with_test_images(folder: Path) -> Manifests:
    manifests = render(folder)
    for workload in manifests.workloads:
        for container in workload.containers:
            container["image"] = re.sub("^(channels-stack/.*):local$", r"\1:test", container["image"])
    return manifests
