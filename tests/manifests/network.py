"""Evaluates NetworkPolicies as the API reference describes them.

https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from tests.support.manifests import Manifests, Object

NAMESPACE = "channels-stack"
Edge = tuple[str, str, int]


@dataclass(frozen=True)
class Peer:
    """A pod, or a host outside the cluster with an ``address`` if ``namespace`` is empty."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)
    namespace: str = ""
    address: str = "10.244.0.9"
    ports: tuple[tuple[str, int], ...] = ()
    is_alone: bool = True


OTHER_NAMESPACE = Peer("other-namespace", {"app.kubernetes.io/name": "web"}, "other")
OUTSIDE = [
    Peer("client", address="203.0.113.9", ports=(("TCP", 443), ("UDP", 53))),
    Peer("database", address="10.1.2.3", ports=(("TCP", 5432), ("TCP", 22))),
    Peer("external-redis", address="10.1.2.4", ports=(("TCP", 6379),)),
    Peer("node-local-dns", address="169.254.20.10", ports=(("UDP", 53), ("TCP", 53), ("TCP", 9253))),
    Peer("dns", {"k8s-app": "kube-dns"}, "kube-system", ports=(("UDP", 53), ("TCP", 53), ("TCP", 9153))),
    Peer("metrics-server", {"k8s-app": "metrics-server"}, "kube-system", ports=(("TCP", 10250),)),
    Peer("keda", {"app": "keda-operator"}, "keda"),
    OTHER_NAMESPACE,
]


def edges(manifests: Manifests) -> set[Edge]:
    """Return (from, to, port) for each allowed connection from or to a pod of the stack."""
    pods = [
        Peer(
            workload.name,
            workload.labels,
            NAMESPACE,
            ports=tuple(("TCP", port) for port in workload.ports.values()),
            is_alone=workload.object["spec"].get("replicas", 2) == 1,
        )
        for workload in manifests.workloads
    ]
    policies = list(manifests.of("NetworkPolicy"))
    return {
        (source.name, target.name, port)
        for source in [*pods, *OUTSIDE]
        for target in [*pods, *OUTSIDE]
        if NAMESPACE in (source.namespace, target.namespace) and not (source is target and source.is_alone)
        for protocol, port in target.ports
        if _is_allowed(policies, "Egress", source, target, protocol, port)
        and _is_allowed(policies, "Ingress", target, source, protocol, port)
    }


def _is_allowed(policies: list[Object], direction: str, pod: Peer, other: Peer, protocol: str, port: int) -> bool:
    if pod.namespace != NAMESPACE:
        return True
    mine = [
        policy["spec"]
        for policy in policies
        if direction in policy["spec"]["policyTypes"] and _selects(policy["spec"]["podSelector"], pod.labels)
    ]
    rules = [rule for policy in mine for rule in policy.get(direction.lower(), [])]
    return not mine or any(_rule_allows(rule, other, protocol, port) for rule in rules)


def _rule_allows(rule: Object, other: Peer, protocol: str, port: int) -> bool:
    ports = rule.get("ports")
    if ports and not any(item.get("protocol", "TCP") == protocol and item.get("port") == port for item in ports):
        return False
    peers = rule.get("from", []) + rule.get("to", [])
    return not peers or any(_is_peer(peer, other) for peer in peers)


def _is_peer(peer: Object, other: Peer) -> bool:
    if "ipBlock" in peer:
        assert "except" not in peer["ipBlock"]
        return not other.namespace and ip_address(other.address) in ip_network(peer["ipBlock"]["cidr"])
    if not other.namespace:
        return False
    if "namespaceSelector" in peer:
        if not _selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": other.namespace}):
            return False
    elif other.namespace != NAMESPACE:
        return False
    return _selects(peer.get("podSelector", {}), other.labels)


def _selects(selector: Object, labels: dict[str, str]) -> bool:
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In", "only In is evaluated here"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return bool(selector.get("matchLabels", {}).items() <= labels.items())


def named(pairs: str, *more: str) -> Iterator[Edge]:
    """Parse "web→redis:6379 ws→redis:6379"."""
    for pair in " ".join((pairs, *more)).split():
        source, _, rest = pair.partition("→")
        target, _, port = rest.partition(":")
        yield source, target, int(port)
