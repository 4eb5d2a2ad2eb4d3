"""Content and configuration of the images."""

import json

import pytest

from tests.containers.project import ROOT
from tests.support.engine import docker, inspect

BASES = {
    "web": "python:3.13-slim-trixie",
    "ws": "python:3.13-slim-trixie",
    "nginx": "nginxinc/nginx-unprivileged:1.30-alpine-slim",
}
DOCKERFILES = {
    "web": "services/web/Dockerfile",
    "ws": "services/ws/Dockerfile",
    "nginx": "deploy/nginx/Dockerfile",
}
OURS = list(BASES)
SERVICES = ["web", "ws"]
MAX_MIB_OVER_BASE = 90

pytestmark = pytest.mark.usefixtures("images")


def image(name: str) -> str:
    return f"channels-stack/{name}:test"


def run(name: str, *command: str, options: tuple[str, ...] = ()) -> str:
    return docker("run", "--rm", "--entrypoint", command[0], *options, image(name), *command[1:]).stdout


def files(name: str) -> list[str]:
    return run(name, "find", "/app", "/venv", "-type", "f").split()


@pytest.mark.parametrize("name", SERVICES)
def test_image_adds_at_most_90_mib_to_its_base(name: str) -> None:
    ours, base = inspect(image(name), BASES[name])
    assert (ours["Size"] - base["Size"]) / 2**20 <= MAX_MIB_OVER_BASE


@pytest.mark.parametrize("name", OURS)
def test_image_has_oci_labels(name: str) -> None:
    labels = inspect(image(name))[0]["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == name
    assert labels["org.opencontainers.image.version"] == "test"
    assert {"org.opencontainers.image.source", "org.opencontainers.image.revision"} <= labels.keys()


@pytest.mark.parametrize("name", OURS)
def test_user_is_numeric_and_not_root(name: str) -> None:
    user = inspect(image(name))[0]["Config"]["User"].partition(":")[0]
    assert user.isdecimal()
    assert int(user) > 0


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("web", ["gunicorn", "--check-config", "--config", "services/web/gunicorn.conf.py"]),
        ("ws", ["python", "-c", "import ws.asgi"]),
        ("nginx", ["/directives.sh", "/docker-entrypoint.sh", "nginx", "-t", "-c", "/tmp/nginx.conf"]),
    ],
)
def test_runs_as_any_user_of_group_0(name: str, command: list[str]) -> None:
    # As OpenShift's restricted-v2 runs pods.
    options = ("--user", "1000660000:0", "--read-only", "--tmpfs", "/tmp:mode=1777")
    run(name, *command, options=options)


@pytest.mark.parametrize("name", OURS)
def test_healthcheck_does_not_use_curl(name: str) -> None:
    check = inspect(image(name))[0]["Config"]["Healthcheck"]["Test"]
    assert check[0] == "CMD"
    assert "curl" not in " ".join(check)


@pytest.mark.parametrize("name", OURS)
def test_image_configuration_and_history_contain_no_secret(name: str) -> None:
    configuration = json.dumps(inspect(image(name))[0]["Config"])
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image(name)).stdout
    for word in ("SECRET", "PASSWORD", "TOKEN"):
        assert word not in configuration.upper()
        assert word not in history.upper()


@pytest.mark.parametrize(("name", "other"), [("web", "ws"), ("ws", "web")])
def test_image_contains_only_the_code_of_its_service(name: str, other: str) -> None:
    content = files(name)
    assert f"/app/services/{name}/settings.py" in content
    assert not [path for path in content if path.startswith(f"/app/services/{other}/")]
    unwanted = {".env", "Dockerfile", "requirements.txt", "requirements.in", "pip", "tests", "test"}
    allowed = ("site-packages/django/test/", "/app/static/")
    assert not [path for path in content if unwanted & set(path.split("/")) and not any(a in path for a in allowed)]
    assert run(name, "sh", "-c", "ls /tmp; ls /root 2>/dev/null || true") == ""
    assert run(name, "sh", "-c", "command -v gcc cc || true") == ""


@pytest.mark.parametrize("name", SERVICES)
def test_code_is_not_writable_for_the_service(name: str) -> None:
    assert run(name, "find", "/app", "/venv", "-writable", "-not", "-type", "l") == ""


def test_static_files_are_hashed_and_compressed() -> None:
    names = json.loads(run("web", "cat", "/app/static/staticfiles.json"))["paths"]
    hashed = f"/app/static/{names['channels_live/outbox.js']}"
    assert hashed != "/app/static/channels_live/outbox.js"
    assert {hashed, f"{hashed}.gz"} <= set(files("web"))


def test_translations_are_compiled() -> None:
    assert "/app/apps/accounts/locale/ja/LC_MESSAGES/django.mo" in files("web")


@pytest.mark.parametrize("name", SERVICES)
def test_production_rejects_development_defaults(name: str) -> None:
    arguments = ["--env", "ENVIRONMENT=production", "--env", "DEBUG=true", "--env", "HTTPS_ONLY=false"]
    result = docker("run", "--rm", *arguments, "--env", "ALLOWED_HOSTS=*", image(name), check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("Invalid configuration: ENVIRONMENT=production refuses to start. SECRET_KEY: ")
    assert all(f" {setting}: " in result.stderr for setting in ("DEBUG", "ALLOWED_HOSTS", "HTTPS_ONLY"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SERVICES)
def test_build_is_reproducible(name: str) -> None:
    again = f"{name}-again"
    docker("build", "--no-cache", "--file", DOCKERFILES[name], "--tag", image(again), ".", cwd=ROOT)
    try:
        assert hashes(again) == hashes(name)
    finally:
        docker("image", "rm", image(again))


def hashes(name: str) -> list[str]:
    return run(name, "sh", "-c", "find /app /venv -type f -exec sha256sum {} + | sort").splitlines()
