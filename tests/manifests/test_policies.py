"""Each policy detects the violation that it is for."""

from collections.abc import Callable

import pytest

from tests.manifests import operation, pods, references
from tests.manifests.policies import POLICIES, Policy
from tests.support.manifests import ROOT, Manifests, Object, render

LOCAL = ROOT / "deploy/k8s/overlays/local"
GATEWAY = ROOT / "tests/manifests/production-gateway"


def pod(manifests: Manifests, name: str = "web") -> Object:
    return manifests.workload(name).pod


def container(manifests: Manifests, name: str = "web") -> Object:
    return pod(manifests, name)["containers"][0]


def configuration(manifests: Manifests) -> Object:
    return next(item for item in manifests.of("ConfigMap") if item["metadata"]["name"].startswith("configuration-"))


VIOLATIONS: list[tuple[Policy, str, Callable[[Manifests], object]]] = [
    (
        pods.namespace_enforces_restricted,
        "must be one Namespace",
        lambda m: m.named("Namespace", "channels-stack")["metadata"].update(labels={}),
    ),
    (pods.pods_are_restricted, "hostNetwork", lambda m: pod(m).update(hostNetwork=True)),
    (pods.pods_are_restricted, "root", lambda m: pod(m)["securityContext"].update(runAsUser=0)),
    (pods.pods_are_restricted, "root", lambda m: pod(m)["securityContext"].pop("runAsNonRoot")),
    (pods.pods_are_restricted, "seccomp", lambda m: pod(m)["securityContext"].pop("seccompProfile")),
    (pods.pods_are_restricted, "sysctls", lambda m: pod(m)["securityContext"].update(sysctls=[])),
    (
        pods.pods_are_restricted,
        "volume host",
        lambda m: pod(m)["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
    ),
    (
        pods.pods_are_restricted,
        "capabilities",
        lambda m: container(m)["securityContext"].update(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    ),
    (
        pods.pods_are_restricted,
        "allowPrivilegeEscalation",
        lambda m: pod(m, "migrate")["initContainers"][0]["securityContext"].pop("allowPrivilegeEscalation"),
    ),
    (pods.pods_are_restricted, "hostPort", lambda m: container(m)["ports"][0].update(hostPort=80)),
    (pods.pods_are_restricted, "runAsUser", lambda m: container(m)["securityContext"].update(runAsUser=0)),
    (
        pods.pods_are_restricted,
        "another host",
        lambda m: container(m)["readinessProbe"]["httpGet"].update(host="203.0.113.9"),
    ),
    (pods.pods_are_locked_down, "token", lambda m: pod(m).update(automountServiceAccountToken=True)),
    (pods.pods_are_locked_down, "of its own", lambda m: pod(m).update(serviceAccountName="default")),
    (pods.pods_are_locked_down, "enableServiceLinks", lambda m: pod(m).pop("enableServiceLinks")),
    (
        pods.pods_are_locked_down,
        "is writable",
        lambda m: container(m, "redis")["securityContext"].update(readOnlyRootFilesystem=False),
    ),
    (
        pods.containers_have_requests_and_a_memory_limit,
        "requests",
        lambda m: container(m)["resources"]["requests"].pop("memory"),
    ),
    (pods.containers_have_requests_and_a_memory_limit, "limits", lambda m: container(m)["resources"].pop("limits")),
    (
        pods.containers_have_requests_and_a_memory_limit,
        "sizeLimit",
        lambda m: pod(m)["volumes"][0]["emptyDir"].pop("sizeLimit"),
    ),
    (pods.images_have_a_version, "no version tag", lambda m: container(m).update(image="localhost:5000/web")),
    (pods.images_have_a_version, "no version tag", lambda m: container(m).update(image="web:latest")),
    (pods.images_have_a_version, "imagePullPolicy", lambda m: container(m).update(imagePullPolicy="Always")),
    (pods.probes_request_served_paths, "no livenessProbe", lambda m: container(m, "redis").pop("livenessProbe")),
    (
        pods.probes_request_served_paths,
        "requests /health",
        lambda m: container(m)["livenessProbe"]["httpGet"].update(path="/health"),
    ),
    (
        pods.probes_request_served_paths,
        "requests /readyz",
        lambda m: container(m)["livenessProbe"]["httpGet"].update(path="/readyz"),
    ),
    (
        pods.probes_request_served_paths,
        "requests port metrics",
        lambda m: container(m)["livenessProbe"]["httpGet"].update(port="metrics"),
    ),
    (
        operation.grace_periods_are_sufficient,
        "ws: terminationGracePeriodSeconds is less than",
        lambda m: configuration(m)["data"].update(DRAIN_SECONDS="60"),
    ),
    (
        operation.grace_periods_are_sufficient,
        "web: terminationGracePeriodSeconds is less than",
        lambda m: pod(m).update(terminationGracePeriodSeconds=30),
    ),
    (
        operation.rollouts_and_evictions_keep_pods_available,
        "maxUnavailable",
        lambda m: m.workload("ws").object["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1),
    ),
    (
        operation.rollouts_and_evictions_keep_pods_available,
        "PodDisruptionBudget",
        lambda m: m.named("PodDisruptionBudget", "ws")["spec"].update(maxUnavailable=0),
    ),
    (
        operation.rollouts_and_evictions_keep_pods_available,
        "spread",
        lambda m: pod(m)["topologySpreadConstraints"].pop(),
    ),
    (operation.replicas_have_one_owner, "0 owners", lambda m: m.workload("ws").object["spec"].pop("replicas")),
    (
        operation.pods_wait_for_the_migrations_of_their_release,
        "not named after",
        lambda m: m.workload("migrate").object["metadata"].update(name="migrate"),
    ),
    (
        operation.pods_wait_for_the_migrations_of_their_release,
        "ConfigMap",
        lambda m: container(m, "migrate").update(envFrom=container(m)["envFrom"]),
    ),
    (
        operation.pods_wait_for_the_migrations_of_their_release,
        "does not wait",
        lambda m: pod(m, "ws")["initContainers"][0].update(command=["true"]),
    ),
    (
        operation.pods_wait_for_the_migrations_of_their_release,
        "another release",
        lambda m: pod(m, "ws")["initContainers"][0].update(image="channels-stack/ws:older"),
    ),
    (
        references.objects_are_in_the_namespace,
        "no namespace",
        lambda m: m.named("Service", "web")["metadata"].pop("namespace"),
    ),
    (references.objects_are_in_the_namespace, "part-of", lambda m: m.named("Service", "web")["metadata"].pop("labels")),
    (
        references.selectors_match_pods,
        "Service web selects 0",
        lambda m: m.named("Service", "web")["spec"].update(selector={"app": "web"}),
    ),
    (
        references.selectors_match_pods,
        "PodDisruptionBudget ws selects 0",
        lambda m: m.named("PodDisruptionBudget", "ws")["spec"].update(selector={"matchLabels": {"app": "ws"}}),
    ),
    (
        references.selectors_match_pods,
        "its own pods",
        lambda m: (
            m.workload("web")
            .object["spec"]["selector"]
            .update(matchLabels={"app.kubernetes.io/name": "ws", "app.kubernetes.io/part-of": "channels-stack"})
        ),
    ),
    (
        references.service_ports_are_container_ports,
        "has no port https",
        lambda m: m.named("Service", "nginx")["spec"]["ports"][0].update(targetPort="https"),
    ),
    (
        references.service_ports_are_container_ports,
        "does not translate ports",
        lambda m: m.named("Service", "ws")["spec"]["ports"][0].update(port=80),
    ),
    (
        references.config_maps_and_secrets_exist,
        "Secret other",
        lambda m: pod(m)["volumes"][1]["secret"].update(secretName="other"),
    ),
    (
        references.config_maps_and_secrets_exist,
        "Secret credentials ['PASSWORD']",
        lambda m: pod(m, "migrate")["volumes"][1]["secret"].update(items=[{"key": "PASSWORD", "path": "DATABASE_URL"}]),
    ),
    (
        references.config_maps_and_secrets_exist,
        "ConfigMap other",
        lambda m: container(m)["envFrom"][0]["configMapRef"].update(name="other"),
    ),
    (references.config_maps_and_secrets_exist, "is not mounted", lambda m: container(m)["volumeMounts"].pop()),
    (
        references.settings_are_known,
        "DRAIN_TIME is not a setting",
        lambda m: configuration(m)["data"].update(DRAIN_TIME="1"),
    ),
    (
        references.nginx_and_web_allow_the_same_hosts,
        "nginx serves localhost,127.0.0.1,[::1], web chat.example.com",
        lambda m: configuration(m)["data"].update(ALLOWED_HOSTS="chat.example.com"),
    ),
    (
        references.production_contains_no_secret,
        "REDIS_URL is in a ConfigMap",
        lambda m: configuration(m)["data"].update(REDIS_URL="redis://:password@redis"),
    ),
    (
        references.production_contains_no_secret,
        "Secret credentials is contained in the manifests",
        lambda m: configuration(m)["data"].update(ENVIRONMENT="production"),
    ),
]


@pytest.mark.parametrize(
    ("policy", "expected", "violate"),
    VIOLATIONS,
    ids=[f"{policy.__name__}-{expected}" for policy, expected, _ in VIOLATIONS],
)
def test_policy_detects_the_violation(policy, expected, violate):
    manifests = render(LOCAL)
    violate(manifests)
    assert any(expected in sentence for sentence in policy(manifests)), list(policy(manifests))


def test_route_to_another_service_than_nginx_is_detected():
    manifests = render(GATEWAY)
    rule = manifests.named("HTTPRoute", "nginx")["spec"]["rules"][0]
    rule["backendRefs"][0].update(name="web", port=8000)
    rule["matches"][0]["path"]["value"] = "/admin"
    assert list(references.routes_and_autoscalers_have_targets(manifests)) == [
        "/admin is routed to web; only / to nginx may be"
    ]


def test_autoscaler_without_target_is_detected():
    manifests = render(GATEWAY)
    manifests.named("HorizontalPodAutoscaler", "web")["spec"]["scaleTargetRef"]["name"] = "website"
    assert "an autoscaler targets Deployment website, which does not exist" in list(
        references.routes_and_autoscalers_have_targets(manifests)
    )


def test_every_policy_has_a_violation():
    violated = {policy for policy, *_ in VIOLATIONS} | {references.routes_and_autoscalers_have_targets}
    assert violated == set(POLICIES)
