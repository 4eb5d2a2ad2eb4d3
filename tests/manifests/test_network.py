"""The exact set of connections that the NetworkPolicies of each overlay and of some combinations allow."""

import pytest

from tests.manifests.network import OUTSIDE, Edge, edges, named
from tests.support.manifests import ROOT, render

LOCAL = ROOT / "deploy/k8s/overlays/local"
PRODUCTION = ROOT / "deploy/k8s/overlays/production"
COMBINATIONS = ROOT / "tests/manifests"


def dns(*names: str) -> set[Edge]:
    return {(name, server, 53) for name in names for server in ("dns", "node-local-dns")}


def everywhere(*ports: int) -> set[Edge]:
    return {(peer.name, "nginx", port) for peer in OUTSIDE for port in ports}


STACK = {*named("nginx→web:8000 nginx→ws:8000 web→redis:6379 ws→redis:6379")} | dns("nginx", "web", "ws", "redis")
POSTGRES = {*named("web→postgres:5432 ws→postgres:5432 migrate→postgres:5432")} | dns("migrate", "postgres")
MONITORING = {
    *named("prometheus→web:8000 prometheus→ws:8000 prometheus→nginx:8000"),
    *named("prometheus→grafana:3000 grafana→prometheus:9090 keda→prometheus:9090"),
} | dns("prometheus", "grafana")
SENTINEL = {*named("web→redis:26379 ws→redis:26379 redis→redis:6379 redis→redis:26379")}
EXTERNAL = {
    *named("nginx→web:8000 nginx→ws:8000 web→database:5432 ws→database:5432 migrate→database:5432"),
    *named("web→external-redis:6379 ws→external-redis:6379"),
} | dns("nginx", "web", "ws", "migrate")


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        (LOCAL, STACK | POSTGRES | everywhere(8080)),
        (PRODUCTION, EXTERNAL | everywhere(8080, 8443)),
        (COMBINATIONS / "local-monitored", STACK | POSTGRES | MONITORING | everywhere(8080)),
        (COMBINATIONS / "local-redis-sentinel", STACK | POSTGRES | SENTINEL | everywhere(8080)),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_network_policies_allow_exactly_these_connections(folder, expected):
    assert edges(render(folder)) == expected


def test_without_network_policies_every_peer_can_connect():
    manifests = render(LOCAL)
    manifests.objects = [item for item in manifests.objects if item["kind"] != "NetworkPolicy"]
    assert ("client", "postgres", 5432) in edges(manifests)
    assert ("other-namespace", "redis", 6379) in edges(manifests)


def test_additional_rule_is_detected():
    manifests = render(LOCAL)
    manifests.named("NetworkPolicy", "postgres")["spec"]["ingress"].append({})
    assert edges(manifests) - (STACK | POSTGRES | everywhere(8080)) >= {("other-namespace", "postgres", 5432)}
