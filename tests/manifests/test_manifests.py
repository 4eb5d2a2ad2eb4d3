"""Every overlay and every combination of components, rendered and checked against schemas and policies."""

import json
from functools import cache

import kubernetes_validate
import pytest

from tests.manifests.policies import POLICIES
from tests.support.manifests import COMBINATIONS, OVERLAYS, ROOT, render

VERSIONS = ["1.35", "1.36", "1.37"]
# Custom resources, which Kubernetes's own schemas do not contain.
CUSTOM = {"HTTPRoute", "ScaledObject"}


every_combination = pytest.mark.parametrize("folder", [*OVERLAYS, *COMBINATIONS], ids=lambda folder: folder.name)


@cache
def validate(text: str, version: str) -> None:
    kubernetes_validate.validate(json.loads(text), version, strict=True)


@every_combination
@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_match_the_schemas(folder, version):
    for item in render(folder).objects:
        if item["kind"] not in CUSTOM:
            validate(json.dumps(item, sort_keys=True), version)


@every_combination
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_manifests_comply_with_the_policy(folder, policy):
    assert list(policy(render(folder))) == []


def test_every_component_is_rendered_by_a_test():
    components = {path.name for path in (ROOT / "deploy/k8s/components").iterdir()}
    text = "".join((folder / "kustomization.yaml").read_text() for folder in [*OVERLAYS, *COMBINATIONS])
    assert {name for name in components if f"components/{name}\n" not in text} == set()


def test_base_contains_no_secret():
    assert not list(render(ROOT / "deploy/k8s/base").of("Secret"))


def test_monitoring_mounts_all_files_of_deploy_observability():
    folder = ROOT / "deploy/observability"
    files = {path.name for path in folder.rglob("*.*") if path.name != "kustomization.yaml"}
    manifests = render(ROOT / "tests/manifests/local-monitored")
    assert files <= {name for item in manifests.of("ConfigMap") for name in item["data"]}


def test_scaled_object_queries_a_metric_of_ws():
    manifests = render(ROOT / "tests/manifests/local-autoscaled-on-connections")
    query = manifests.named("ScaledObject", "ws")["spec"]["triggers"][0]["metadata"]["query"]
    metric = query.removeprefix("sum(").removesuffix(")")
    assert f'Gauge("{metric}", ' in (ROOT / "src/channels_live/observability/metrics.py").read_text()


def test_pods_set_user_ids_except_on_openshift():
    def users(folder):
        contexts = [workload.pod["securityContext"] for workload in render(folder).workloads]
        return [context.keys() & {"runAsUser", "runAsGroup", "fsGroup"} for context in contexts]

    assert all(len(names) == 3 for names in users(ROOT / "deploy/k8s/overlays/local"))
    assert not any(users(ROOT / "tests/manifests/local-openshift"))


def test_host_of_ingress_and_route_is_the_first_of_allowed_hosts():
    ingress = render(ROOT / "tests/manifests/production-ingress").named("Ingress", "nginx")["spec"]
    assert [rule["host"] for rule in ingress["rules"]] == ingress["tls"][0]["hosts"] == ["chat.example.com"]
    route = render(ROOT / "tests/manifests/production-gateway").named("HTTPRoute", "nginx")
    assert route["spec"]["hostnames"] == ["chat.example.com"]


def test_job_is_named_after_the_tag_whatever_the_registry(tmp_path):
    overlay = ROOT / "deploy/k8s/overlays/production"
    text = (overlay / "kustomization.yaml").read_text()
    for path in overlay.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    above = "../" * (len(tmp_path.parts) - 1)
    text = text.replace("../../", f"{above}{str(ROOT)[1:]}/deploy/k8s/")
    text = text.replace("registry.example.com/chat/web, newTag: 1.0.0", "localhost:5000/chat-web, newTag: 1.1.0-rc.1")
    (tmp_path / "kustomization.yaml").write_text(text)
    job = render(tmp_path).workload("migrate").object
    assert job["metadata"]["name"] == "migrate-1.1.0-rc.1"
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == "localhost:5000/chat-web:1.1.0-rc.1"
