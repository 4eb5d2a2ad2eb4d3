"""Invalid settings abort startup with a one-line error."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEB = [str(Path(sys.executable).with_name("gunicorn")), "--config", "services/web/gunicorn.conf.py"]
WS = [sys.executable, "-m", "ws"]
MANAGE = [sys.executable, "manage.py", "check"]


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": "src:services:apps", **environment}
    environment.pop("DJANGO_SETTINGS_MODULE")
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def expect_one_line(command: list[str], name: str, value: str, expected: str) -> None:
    result = run(command, **{name: value})
    assert result.returncode == 1
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Invalid configuration: ")
    assert name in lines[0]
    assert expected in lines[0]


@pytest.mark.parametrize("command", [WEB, WS, MANAGE], ids=["web", "ws", "manage.py"])
def test_invalid_value_aborts_every_program_with_one_line(command):
    expect_one_line(
        command, "MESSAGE_MAX_CHARS", "many", "expected a whole number of characters from 1 to 16000, got 'many'"
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MESSAGE_MAX_CHARS", "0", "expected a whole number of characters from 1 to 16000, got '0'"),
        ("ENVIRONMENT", "staging", "expected one of local, production, got 'staging'"),
        ("DEBUG", "perhaps", "expected true or false, got 'perhaps'"),
        ("TICKET_SECONDS", "301", "expected a whole number of seconds from 1 to 300, got '301'"),
        ("ALLOWED_ORIGINS", "app.example.com", "expected scheme://host"),
        ("DATABASE_URL", "mysql://a/b", "expected sqlite:///path or postgres://"),
        ("REDIS_URL", "localhost", "expected redis://"),
        ("LOG_LEVEL", "LOUD", "expected one of DEBUG, INFO, WARNING, ERROR, got 'LOUD'"),
        ("LOG_FORMAT", "xml", "expected one of json, console, got 'xml'"),
        ("SENTRY_DSN", "sentry.example.com", "expected https://key@host/project-number."),
        ("TIME_ZONE", "Tokyo", "expected a name of the tz database"),
        ("SECRET_KEY", "", "expected a random text of 50 characters or more"),
        ("ALLOWED_HOSTS", "https://chat.example.com", "expected host names without scheme and port"),
        *(
            ("BIND", value, "expected an address and a port")
            for value in ("", "localhost:8000", "*", "127.0.0.1:65536")
        ),
        ("PATH_PREFIX", "team", "expected a path such as /team"),
        ("CSRF_TRUSTED_ORIGINS", "www.example.com", "expected scheme://host"),
        ("SECRET_KEY_FILE", "/does/not/exist", "must be a readable file path"),
        ("SECRET_KEY_FILE", sys.executable, "SECRET_KEY_FILE must be the path of a text file"),
    ],
)
def test_error_names_the_setting_and_what_was_expected(name, value, expected):
    expect_one_line(WS, name, value, expected)


def test_misspelled_variable_is_logged_with_a_similar_setting():
    program = "import django; django.setup()"
    given = {"ALLOWED_HOST": "a.example", "DJANGO_SECRET_KEY": "x", "REDIS_PORT": "tcp://10.0.0.1:6379", "HOME": "/"}
    result = run(["env", "DJANGO_SETTINGS_MODULE=ws.settings", sys.executable, "-c", program], **given)
    lines = [line for line in result.stdout.splitlines() if "is not a setting" in line]
    assert len(lines) == 2
    assert "ALLOWED_HOST is not a setting and has no effect; did you mean ALLOWED_HOSTS?" in lines[0]
    assert "DJANGO_SECRET_KEY is not a setting and has no effect; did you mean SECRET_KEY?" in lines[1]


def test_secret_can_be_read_from_a_file(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("from-a-file\n")
    command = [
        sys.executable,
        "manage.py",
        "shell",
        "-v0",
        "-c",
        "from django.conf import settings; print(settings.SECRET_KEY)",
    ]
    assert run(command, SECRET_KEY_FILE=str(secret)).stdout == "from-a-file\n"


def test_sentry_is_not_imported_without_dsn():
    program = "import sys, django; django.setup(); print('sentry_sdk' in sys.modules)"
    environment = {"DJANGO_SETTINGS_MODULE": "ws.settings"}
    command = ["env", *(f"{name}={value}" for name, value in environment.items()), sys.executable, "-c", program]
    assert run(command).stdout == "False\n"
    assert run(command, SENTRY_DSN="https://key@sentry.example.com/1").stdout == "True\n"
