"""Policies for pods. Each yields one sentence per violation."""

from collections.abc import Iterator

from tests.support.manifests import ROOT, Manifests, Object, Workload

# https://kubernetes.io/docs/concepts/security/pod-security-standards/, restricted
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
# The file that serves the path of each probe.
SERVED_BY = {
    ("web", "/livez"): "services/web/health.py",
    ("web", "/readyz"): "services/web/health.py",
    ("ws", "/livez"): "src/channels_live/observability/endpoints.py",
    ("ws", "/readyz"): "src/channels_live/observability/endpoints.py",
    ("nginx", "/healthz"): "deploy/nginx/nginx.conf.template",
}
NOT_OURS = {("prometheus", "/-/ready"), ("prometheus", "/-/healthy"), ("grafana", "/api/health")}


def namespace_enforces_restricted(manifests: Manifests) -> Iterator[str]:
    labels = [item["metadata"].get("labels", {}) for item in manifests.of("Namespace")]
    if [label.get("pod-security.kubernetes.io/enforce") for label in labels] != ["restricted"]:
        yield "there must be one Namespace, and it must enforce restricted"


def pods_are_restricted(manifests: Manifests) -> Iterator[str]:
    for workload in manifests.workloads:
        pod, context = workload.pod, workload.pod.get("securityContext", {})
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(field):
                yield f"{workload}: {field}"
        # Without runAsUser the kubelet uses the image's user, and rejects root and names. OpenShift assigns a user.
        if not context.get("runAsNonRoot") or context.get("runAsUser") == 0:
            yield f"{workload}: runs as root"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{workload}: seccompProfile"
        for field in ("sysctls", "seLinuxOptions", "appArmorProfile", "windowsOptions"):
            if field in context:
                yield f"{workload}: {field}"
        for volume in pod.get("volumes", []):
            if not (volume.keys() - {"name"}) <= VOLUMES:
                yield f"{workload}: volume {volume['name']}"
        for container in workload.containers:
            yield from _container_is_restricted(workload, container)


def _container_is_restricted(workload: Workload, container: Object) -> Iterator[str]:
    where, context = f"{workload}, container {container['name']}", container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
        yield f"{where}: allowPrivilegeEscalation"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield f"{where}: capabilities"
    # Containers must not override the pod's securityContext.
    if overrides := context.keys() & {"runAsUser", "runAsNonRoot", "seccompProfile", "procMount", "seLinuxOptions"}:
        yield f"{where}: {', '.join(sorted(overrides))}"
    for port in container.get("ports", []):
        if "hostPort" in port:
            yield f"{where}: hostPort"
    handlers = [container.get(name, {}) for name in ("livenessProbe", "readinessProbe", "startupProbe")]
    for handler in [*handlers, *container.get("lifecycle", {}).values()]:
        if any("host" in action for action in handler.values() if isinstance(action, dict)):
            yield f"{where}: a probe of another host"


def pods_are_locked_down(manifests: Manifests) -> Iterator[str]:
    """Beyond the restricted standard: a read-only root, no service account token, no environment of other Services."""
    accounts = {item["metadata"]["name"]: item for item in manifests.of("ServiceAccount")}
    for workload in manifests.workloads:
        if workload.pod.get("automountServiceAccountToken") is not False:
            yield f"{workload}: service account token"
        account = accounts.get(workload.pod.get("serviceAccountName", "default"), {})
        if account.get("automountServiceAccountToken") is not False:
            yield f"{workload}: no service account of its own"
        if workload.pod.get("enableServiceLinks") is not False:
            yield f"{workload}: enableServiceLinks"
        for container in workload.containers:
            if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
                yield f"{workload}, container {container['name']}: the root file system is writable"


def containers_have_requests_and_a_memory_limit(manifests: Manifests) -> Iterator[str]:
    for workload in manifests.workloads:
        for container in workload.containers:
            resources = container.get("resources", {})
            if resources.get("requests", {}).keys() != {"cpu", "memory"}:
                yield f"{workload}, container {container['name']}: requests"
            if resources.get("limits", {}).keys() != {"memory"}:
                yield f"{workload}, container {container['name']}: limits"
        for volume in workload.pod.get("volumes", []):
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield f"{workload}: volume {volume['name']} has no sizeLimit"


def images_have_a_version(manifests: Manifests) -> Iterator[str]:
    for workload in manifests.workloads:
        for container in workload.containers:
            _, colon, tag = container["image"].rpartition("/")[2].partition(":")
            if not colon or tag == "latest":
                yield f"{workload}: {container['image']} has no version tag"
            if container["imagePullPolicy"] != "IfNotPresent":
                yield f"{workload}: imagePullPolicy {container['imagePullPolicy']}"


def probes_request_served_paths(manifests: Manifests) -> Iterator[str]:
    for workload in manifests.workloads:
        if workload.is_job:
            continue
        for container in workload.pod["containers"]:
            for name in ("readinessProbe", "livenessProbe", "startupProbe"):
                probe = container.get(name)
                if probe is None:
                    if name != "startupProbe":
                        yield f"{workload}, container {container['name']}: no {name}"
                elif "httpGet" in probe:
                    yield from _probe_is_served(workload, container, name, probe["httpGet"])


def _probe_is_served(workload: Workload, container: Object, name: str, request: Object) -> Iterator[str]:
    where = f"{workload}: {name}"
    if request["port"] not in {port["name"] for port in container["ports"]}:
        yield f"{where} requests port {request['port']}"
    served = (workload.name, request["path"])
    if served in NOT_OURS:
        return
    if served not in SERVED_BY or request["path"] not in (ROOT / SERVED_BY[served]).read_text():
        yield f"{where} requests {request['path']}"
    if workload.name in {"web", "ws"} and (name == "readinessProbe") != (request["path"] == "/readyz"):
        yield f"{where} requests {request['path']}"
