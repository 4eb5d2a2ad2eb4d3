"""``docker compose config`` of every combination, and ``.env.example`` against the compose file."""

import json
import re

import pytest

from tests.containers.project import ROOT, Project

PRODUCTION = ("docker-compose.yml", "compose.production.yml")
SAFE = {"ALLOWED_HOSTS": "chat.example.com", "IMAGES": "registry.example.com/chat", "VERSION": "1"}
# Settings for `make run` or for building images only.
NOT_FOR_CONTAINERS = {"BIND", "STATIC_ROOT"}

pytestmark = pytest.mark.usefixtures("images")


@pytest.mark.parametrize("profile", [(), ("--profile", "observability")], ids=["plain", "observability"])
@pytest.mark.parametrize("files", [PRODUCTION[:1], PRODUCTION], ids=["local", "production"])
def test_config_is_valid_with_every_combination_of_files_and_profiles(
    files: tuple[str, ...], profile: tuple[str, ...]
) -> None:
    services = json.loads(Project(SAFE, files).compose(*profile, "config", "--format", "json"))["services"]
    ours = {"nginx", "web", "ws", "migrate"}
    kept_here = set() if files == PRODUCTION else {"redis", "postgres"}
    watchers = {"nginx-metrics", "prometheus", "grafana"} if profile else set()
    assert services.keys() == ours | kept_here | watchers
    assert all(service["read_only"] and service["cap_drop"] == ["ALL"] for service in services.values())


@pytest.mark.parametrize("name", SAFE)
def test_production_names_the_missing_variable(name: str) -> None:
    project = Project(SAFE | {name: ""}, PRODUCTION)
    with pytest.raises(AssertionError, match=f"{name} is missing a value: must name"):
        project.compose("config")


def test_production_has_no_build_and_no_secret_in_environment_variables() -> None:
    services = json.loads(Project(SAFE, PRODUCTION).compose("config", "--format", "json"))["services"]
    assert not any("build" in service for service in services.values())
    for name in ("web", "ws", "migrate"):
        assert not {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"} & services[name]["environment"].keys()
        assert services[name]["environment"]["SECRET_KEY_FILE"] == "/run/secrets/secret_key"


def test_every_setting_of_env_example_is_passed_to_containers() -> None:
    documented = set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    compose = "".join((ROOT / file).read_text() for file in PRODUCTION)
    passed_on = set(re.findall(r"\$\{([A-Z_]+)", compose)) | set(re.findall(r"^ +([A-Z_]+):$", compose, re.MULTILINE))
    assert documented - passed_on == NOT_FOR_CONTAINERS
    assert passed_on <= documented
