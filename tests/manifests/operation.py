"""Policies for rollouts, drains and releases. Each yields one sentence per violation."""

import re
from collections.abc import Iterator

from tests.support.manifests import ROOT, Manifests, Workload

# Reserved for a process to exit, after everything that it waits for.
RESERVE_SECONDS = 10


def _pre_stop(workload: Workload) -> int:
    return int(workload.pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"])


def _number(path: str, pattern: str) -> int:
    found = re.search(pattern, (ROOT / path).read_text(), re.MULTILINE)
    assert found, f"{path} has no {pattern}"
    return int(found[1])


def grace_periods_are_sufficient(manifests: Manifests) -> Iterator[str]:
    drain = next(item for item in manifests.of("ConfigMap") if item["metadata"]["name"].startswith("configuration-"))
    seconds = {
        "nginx": _number("deploy/nginx/nginx.conf.template", r"^worker_shutdown_timeout (\d+)s;"),
        "web": _number("services/web/gunicorn.conf.py", r"^graceful_timeout = (\d+)"),
        "ws": int(drain["data"]["DRAIN_DELAY"]) + int(drain["data"]["DRAIN_SECONDS"]),
    }
    for name, needed in seconds.items():
        workload = manifests.workload(name)
        needed += _pre_stop(workload) + RESERVE_SECONDS
        if workload.pod["terminationGracePeriodSeconds"] < needed:
            yield f"{workload}: terminationGracePeriodSeconds is less than {needed}"


def rollouts_and_evictions_keep_pods_available(manifests: Manifests) -> Iterator[str]:
    budgets = {item["metadata"]["name"]: item["spec"] for item in manifests.of("PodDisruptionBudget")}
    for name in ("nginx", "web", "ws"):
        workload = manifests.workload(name)
        if workload.object["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] != 0:
            yield f"{workload}: maxUnavailable"
        if budgets.get(name, {}).get("maxUnavailable") != 1:
            yield f"{workload}: no PodDisruptionBudget with maxUnavailable 1"
        spread = {constraint["topologyKey"] for constraint in workload.pod["topologySpreadConstraints"]}
        if spread != {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}:
            yield f"{workload}: not spread over nodes and zones"


def replicas_have_one_owner(manifests: Manifests) -> Iterator[str]:
    scaled = [
        item["spec"]["scaleTargetRef"]["name"]
        for kind in ("HorizontalPodAutoscaler", "ScaledObject")
        for item in manifests.of(kind)
    ]
    for name in ("nginx", "web", "ws"):
        owners = scaled.count(name) + ("replicas" in manifests.workload(name).object["spec"])
        if owners != 1:
            yield f"{owners} owners of the replicas of {name}"


def pods_wait_for_the_migrations_of_their_release(manifests: Manifests) -> Iterator[str]:
    job = manifests.workload("migrate")
    image = job.pod["containers"][0]["image"]
    if job.object["metadata"]["name"] != f"migrate-{image.rpartition(':')[2]}":
        yield f"{job.object['metadata']['name']} is not named after {image}"
    if image != manifests.workload("web").pod["containers"][0]["image"]:
        yield f"the Job uses {image}, web another image"
    if any(reference.startswith("configuration-") for reference in _config_maps(job)):
        yield "the Job uses the ConfigMap: its name would change, but Jobs are immutable"
    for name in ("web", "ws"):
        first = manifests.workload(name).pod["initContainers"][0]
        if first["command"] != ["python", "manage.py", "wait_for_database", "--migrated"]:
            yield f"{name} does not wait for migrations"
        if first["image"] != manifests.workload(name).pod["containers"][0]["image"]:
            yield f"{name} waits for the migrations of another release"


def _config_maps(workload: Workload) -> list[str]:
    sources = [source for container in workload.containers for source in container.get("envFrom", [])]
    return [source["configMapRef"]["name"] for source in sources if "configMapRef" in source]
