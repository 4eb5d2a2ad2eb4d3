"""Policies for references, whose targets must exist. Each yields one sentence per violation."""

import re
from collections.abc import Iterator

from tests.support.manifests import ROOT, Manifests, Workload

# Secrets that must exist before production is applied; see docs/kubernetes.md.
SECRETS_BY_REFERENCE = {
    "credentials": {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "SECRET_KEY_FALLBACKS"},
    "tls": {"tls.crt", "tls.key"},
}
GENERATED = {"ConfigMap", "Secret"}
OURS = {"web", "ws", "migrate", "nginx"}


def objects_are_in_the_namespace(manifests: Manifests) -> Iterator[str]:
    for item in manifests.objects:
        name = f"{item['kind']} {item['metadata']['name']}"
        if item["kind"] != "Namespace" and item["metadata"].get("namespace") != "channels-stack":
            yield f"{name} is in no namespace"
        labels = item["metadata"].get("labels", {})
        if item["kind"] not in GENERATED and labels.get("app.kubernetes.io/part-of") != "channels-stack":
            yield f"{name} has no label part-of"


def selectors_match_pods(manifests: Manifests) -> Iterator[str]:
    for item in manifests.objects:
        selector = item.get("spec", {}).get("selector")
        if not selector:
            continue
        name = f"{item['kind']} {item['metadata']['name']}"
        labels = selector if item["kind"] == "Service" else selector["matchLabels"]
        if len(manifests.selected(labels)) != 1:
            yield f"{name} selects {len(manifests.selected(labels))} workloads"
        if "template" in item["spec"] and not labels.items() <= item["spec"]["template"]["metadata"]["labels"].items():
            yield f"{name} does not select its own pods"
    for workload in manifests.workloads:
        for constraint in workload.pod.get("topologySpreadConstraints", []):
            if not constraint["labelSelector"]["matchLabels"].items() <= workload.labels.items():
                yield f"{workload} has a topologySpreadConstraint that does not select it"


def service_ports_are_container_ports(manifests: Manifests) -> Iterator[str]:
    for service in manifests.of("Service"):
        for port in service["spec"]["ports"]:
            for workload in manifests.selected(service["spec"]["selector"]):
                if port["targetPort"] not in workload.ports:
                    yield f"Service {service['metadata']['name']}: {workload} has no port {port['targetPort']}"
                elif service["spec"].get("clusterIP") == "None" and workload.ports[port["targetPort"]] != port["port"]:
                    yield f"Service {service['metadata']['name']}: a headless Service does not translate ports"


def routes_and_autoscalers_have_targets(manifests: Manifests) -> Iterator[str]:
    ports = {
        (service["metadata"]["name"], value)
        for service in manifests.of("Service")
        for port in service["spec"]["ports"]
        for value in (port["name"], port["port"])
    }
    routes = [
        (path["backend"]["service"]["name"], path["backend"]["service"]["port"]["name"], path["path"])
        for ingress in manifests.of("Ingress")
        for rule in ingress["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]
    routes += [
        (backend["name"], backend["port"], match["path"]["value"])
        for route in manifests.of("HTTPRoute")
        for rule in route["spec"]["rules"]
        for match in rule["matches"]
        for backend in rule["backendRefs"]
    ]
    for name, port, path in routes:
        if (name, port) not in ports:
            yield f"a route targets {name}:{port}"
        if name != "nginx" or path != "/":
            yield f"{path} is routed to {name}; only / to nginx may be"
    scaled = [*manifests.of("HorizontalPodAutoscaler"), *manifests.of("ScaledObject")]
    targets = {(item["spec"]["scaleTargetRef"]["kind"], item["spec"]["scaleTargetRef"]["name"]) for item in scaled}
    for kind, name in targets - {(item["kind"], item["metadata"]["name"]) for item in manifests.objects}:
        yield f"an autoscaler targets {kind} {name}, which does not exist"


def config_maps_and_secrets_exist(manifests: Manifests) -> Iterator[str]:
    known = _keys(manifests)
    for workload in manifests.workloads:
        for volume in workload.pod.get("volumes", []):
            for kind, field in (("ConfigMap", "name"), ("Secret", "secretName")):
                source = volume.get(kind[0].lower() + kind[1:])
                if source is None:
                    continue
                found = known.get((kind, source[field]))
                missing = {item["key"] for item in source.get("items", [])} - (found or set())
                if found is None or missing:
                    yield f"{workload}: {kind} {source[field]} {sorted(missing)}"
        for container in workload.containers:
            for source in container.get("envFrom", []):
                if ("ConfigMap", source["configMapRef"]["name"]) not in known:
                    yield f"{workload}: ConfigMap {source['configMapRef']['name']}"
            mounted = _mounted_files(manifests, workload, container)
            for variable in _environment(manifests, workload, container).items():
                if re.fullmatch(r"/(run|etc)/\S+", variable[1]) and variable[1] not in mounted:
                    yield f"{workload}, container {container['name']}: {variable[0]} is not mounted"


def _keys(manifests: Manifests) -> dict[tuple[str, str], set[str]]:
    known = {("Secret", name): keys for name, keys in SECRETS_BY_REFERENCE.items()}
    for kind in ("ConfigMap", "Secret"):
        known |= {(kind, item["metadata"]["name"]): {*item.get("data", {})} for item in manifests.of(kind)}
    return known


def _mounted_files(manifests: Manifests, workload: Workload, container: dict) -> set[str]:
    known, files = _keys(manifests), set()
    volumes = {volume["name"]: volume for volume in workload.pod.get("volumes", [])}
    for mount in container.get("volumeMounts", []):
        volume = volumes.get(mount["name"], {})
        for kind, field in (("configMap", "name"), ("secret", "secretName")):
            if kind in volume:
                source = volume[kind]
                keys = known.get((kind[0].upper() + kind[1:], source[field]), set())
                names = {item["path"] for item in source["items"]} if "items" in source else keys
                files |= {f"{mount['mountPath']}/{name}" for name in names}
    return files


def _environment(manifests: Manifests, workload: Workload, container: dict) -> dict[str, str]:
    values = {variable["name"]: variable["value"] for variable in container.get("env", [])}
    for source in container.get("envFrom", []):
        name = source["configMapRef"]["name"]
        values |= next((item["data"] for item in manifests.of("ConfigMap") if item["metadata"]["name"] == name), {})
    return values


def settings_are_known(manifests: Manifests) -> Iterator[str]:
    listed = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    of_nginx = set(re.findall(r"\b[A-Z_]{4,}\b", (ROOT / "deploy/nginx/directives.sh").read_text()))
    for workload in manifests.workloads:
        for container in workload.containers if workload.name in OURS else []:
            for name in _environment(manifests, workload, container):
                if name.removesuffix("_FILE") not in (listed | of_nginx if workload.name == "nginx" else listed):
                    yield f"{workload}: {name} is not a setting"


def nginx_and_web_allow_the_same_hosts(manifests: Manifests) -> Iterator[str]:
    """A host that only one of them allows is rejected: by nginx with 421, by web with 400."""
    example = (ROOT / ".env.example").read_text()
    (default,) = re.findall(r"^#ALLOWED_HOSTS=(.*)", example, re.MULTILINE)
    nginx, web = (
        _environment(manifests, workload, workload.pod["containers"][0]).get("ALLOWED_HOSTS", default)
        for workload in (manifests.workload("nginx"), manifests.workload("web"))
    )
    if nginx != web:
        yield f"nginx serves {nginx}, web {web}"


def production_contains_no_secret(manifests: Manifests) -> Iterator[str]:
    configuration = [item["data"] for item in manifests.of("ConfigMap")]
    if any(data.get("ENVIRONMENT") == "production" for data in configuration):
        for secret in manifests.of("Secret"):
            yield f"Secret {secret['metadata']['name']} is contained in the manifests"
    for data in configuration:
        for name in data.keys() & {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_URL", "REDIS_URL"}:
            yield f"{name} is in a ConfigMap"
