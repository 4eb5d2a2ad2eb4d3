"""The output of ``kubectl kustomize``, and lookups in it."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
KUBECTL = Path(sys.executable).with_name("kubectl")
OVERLAYS = sorted((ROOT / "deploy/k8s/overlays").iterdir())
# Each folder is a combination of components that must keep working.
COMBINATIONS = sorted(path.parent for path in (ROOT / "tests/manifests").glob("*/kustomization.yaml"))

Object = dict[str, Any]


@dataclass
class Workload:
    """An object with a pod template: Deployment, StatefulSet or Job."""

    object: Object

    @property
    def name(self) -> str:
        return str(self.object["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"])

    @property
    def is_job(self) -> bool:
        return bool(self.object["kind"] == "Job")

    @property
    def labels(self) -> dict[str, str]:
        labels: dict[str, str] = self.object["spec"]["template"]["metadata"]["labels"]
        return labels

    @property
    def pod(self) -> Object:
        pod: Object = self.object["spec"]["template"]["spec"]
        return pod

    @property
    def containers(self) -> list[Object]:
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def lasting_containers(self) -> list[Object]:
        """Containers that run as long as the pod, including sidecars, which are init containers."""
        return [item for item in self.containers if item in self.pod["containers"] or "restartPolicy" in item]

    @property
    def ports(self) -> dict[str, int]:
        ports = [port for container in self.lasting_containers for port in container.get("ports", [])]
        return {port["name"]: port["containerPort"] for port in ports}

    def __str__(self) -> str:
        return f"{self.object['kind']} {self.name}"


class Manifests:
    def __init__(self, objects: list[Object]) -> None:
        self.objects = objects

    def of(self, kind: str) -> Iterator[Object]:
        return (item for item in self.objects if item["kind"] == kind)

    def named(self, kind: str, name: str) -> Object:
        return next(item for item in self.of(kind) if item["metadata"]["name"] == name)

    @property
    def workloads(self) -> list[Workload]:
        return [Workload(item) for item in self.objects if item["kind"] in {"Deployment", "StatefulSet", "Job"}]

    def workload(self, name: str) -> Workload:
        return next(workload for workload in self.workloads if workload.name == name)

    def selected(self, labels: dict[str, str]) -> list[Workload]:
        return [workload for workload in self.workloads if labels.items() <= workload.labels.items()]


@cache
def _rendered(folder: Path) -> str:
    result = subprocess.run([str(KUBECTL), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    # kustomize warns of deprecated fields.
    assert not result.stderr, result.stderr
    return result.stdout


def render(folder: Path) -> Manifests:
    """Return new objects at each call, so that tests can modify them."""
    return Manifests(list(yaml.load_all(_rendered(folder), Loader=yaml.CSafeLoader)))
