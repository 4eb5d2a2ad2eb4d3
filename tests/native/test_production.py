import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAFE = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "0123456789" * 5,
    "ALLOWED_HOSTS": "chat.example.com",
    "DEBUG": "false",
    "HTTPS_ONLY": "true",
}
COMMANDS = {
    "web": ["gunicorn", "--check-config", "--config", "services/web/gunicorn.conf.py"],
    "ws": ["python", "-m", "ws"],
    "manage.py": ["python", "manage.py", "check"],
}


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name(command[0])
    # Without the settings of the caller's environment. Variables win over a .env file.
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": "src:services:apps"}
    return subprocess.run(
        [str(program), *command[1:]],
        cwd=ROOT,
        env=base | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        *(
            (
                {"SECRET_KEY": key},
                "SECRET_KEY: the built-in local key is public; set a random one of 50 characters or more.",
            )
            for key in (
                "local-only-key-that-production-refuses-to-start-with",
                "local-only-key-that-everybody-can-read-in-the-repository",
            )
        ),
        *(
            ({"SECRET_KEY": key}, "SECRET_KEY: it can be guessed; set a random one of 50 characters or more.")
            for key in ("changeme", "x" * 60, "django-insecure-" + "0123456789" * 5)
        ),
        (
            {"SECRET_KEY_FALLBACKS": "abcdefghij0123456789" * 3 + ",changeme"},
            "SECRET_KEY_FALLBACKS: one can be guessed; leave it out, which ends the sessions that it has signed.",
        ),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS: list the names that browsers use."),
        (
            {"SECRET_KEY_FALLBACKS": "0123456789" * 6 + ",local-only-key-that-production-refuses-to-start-with"},
            "SECRET_KEY: the built-in local key is public; set a random one of 50 characters or more.",
        ),
        ({"DEBUG": "true"}, "DEBUG: true shows tracebacks and settings to every visitor; unset it."),
        (
            {"ALLOWED_HOSTS": "chat.example.com,*"},
            "ALLOWED_HOSTS: * lets any host name in; list the names that browsers use.",
        ),
        (
            {"HTTPS_ONLY": "false"},
            "HTTPS_ONLY: false sends session cookies over plain http; unset it and serve https.",
        ),
    ],
    ids=[
        "local key",
        "key of the overlay for Kubernetes",
        "word",
        "repetition",
        "startproject",
        "fallback that is a word",
        "no host",
        "local key as a fallback",
        "debug",
        "wildcard host",
        "plain cookies",
    ],
)
def test_production_with_a_development_default_aborts_with_one_line(change: dict[str, str], sentence: str) -> None:
    result = run(COMMANDS["ws"], SAFE | change)
    assert result.returncode == 1
    expected = f"Invalid configuration: ENVIRONMENT=production refuses to start. {sentence}"
    assert result.stderr.strip() == expected


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_program_names_all_rejected_settings_at_once(command: list[str]) -> None:
    result = run(command, {"ENVIRONMENT": "production", "DEBUG": "true", "ALLOWED_HOSTS": "*"})
    assert result.returncode == 1
    assert all(f"{name}: " in result.stderr for name in ("SECRET_KEY", "DEBUG", "ALLOWED_HOSTS"))


def test_production_starts_with_safe_settings() -> None:
    result = run(COMMANDS["manage.py"], SAFE)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("service", ["web", "ws"])
def test_production_passes_check_deploy(service: str) -> None:
    check = ["python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    key = "kT3vA9zQm1xWc7RbN5yLh2DsG8uPe4JfXo6iVtKqZn0aMrBwEgYl"
    result = run(check, SAFE | {"SECRET_KEY": key, "DJANGO_SETTINGS_MODULE": f"{service}.settings"})
    assert result.returncode == 0, result.stderr


def test_development_key_is_accepted_outside_production() -> None:
    result = run(COMMANDS["manage.py"], {})
    assert result.returncode == 0, result.stderr
