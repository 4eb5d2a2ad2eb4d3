"""web and ws identify users by the same settings."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured

from base import check_settings, identity
from base import settings as shared
from deploy.local.stack import ROOT

PRINT = """
import json
from django.conf import settings
import re
shown = {name: repr(getattr(settings, name)) for name in dir(settings) if name.isupper()}
print(json.dumps({name: re.sub("0x[0-9a-f]+", "", value) for name, value in shown.items()}))
"""
# Rendering, serving and protecting pages, and failed logins.
WEB_ONLY = (
    "AXES_",
    "CONTENT_SECURITY_POLICY",
    "CORS_",
    "CSRF_FAILURE_VIEW",
    "DATA_UPLOAD_MAX_MEMORY_SIZE",
    "FORMAT_MODULE_PATH",
    "LANGUAGE_COOKIE_",
    "LOGIN_",
    "LOGOUT_",
    "MESSAGE_STORAGE",
    "MIDDLEWARE",
    "NONE",
    "ROOT_URLCONF",
    "SECURE_HSTS_SECONDS",
    "SELF",
    "STATIC_",
    "STORAGES",
    "TEMPLATES",
    "WEB_",
    "WSGI_APPLICATION",
)
WS_ONLY = ("ASGI_APPLICATION",)
# Another layer class for the same Redis, additional apps for pages, and axes, which only rejects logins.
OF_EACH = {"CHANNEL_LAYERS", "INSTALLED_APPS", "AUTHENTICATION_BACKENDS", "SETTINGS_MODULE", "SILENCED_SYSTEM_CHECKS"}


@pytest.fixture
def copied_services(tmp_path: Path) -> Path:
    """A copy of the code, for tests that change the settings of a service."""
    for folder in ("src", "apps", "services"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "manage.py", tmp_path)
    return tmp_path


def settings_of(service: str) -> dict[str, str]:
    environment = {**os.environ, "PYTHONPATH": "src:services:apps", "DJANGO_SETTINGS_MODULE": f"{service}.settings"}
    command = [sys.executable, "-c", PRINT]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return dict(json.loads(result.stdout))


def test_identity_settings_of_web_and_ws_are_equal():
    web, ws = settings_of("web"), settings_of("ws")
    differ = {name for name in web.keys() | ws.keys() if web.get(name) != ws.get(name)} - OF_EACH
    assert {name for name in differ if not name.startswith((*WEB_ONLY, *WS_ONLY))} == set()
    assert not differ & set(identity.NAMES)
    assert web["AUTHENTICATION_BACKENDS"].endswith(ws["AUTHENTICATION_BACKENDS"].lstrip("["))


def with_shared(**changed: object) -> SimpleNamespace:
    return SimpleNamespace(**{**{name: value for name, value in vars(shared).items() if name.isupper()}, **changed})


def test_shared_settings_and_backends_that_only_reject_logins_are_accepted():
    axes = ["axes.backends.AxesStandaloneBackend", *shared.AUTHENTICATION_BACKENDS]
    identity.check(with_shared())
    identity.check(with_shared(AUTHENTICATION_BACKENDS=axes))


@pytest.mark.parametrize("name", identity.NAMES)
def test_identity_setting_in_one_service_only_aborts_startup(name):
    with pytest.raises(ImproperlyConfigured, match=f"^{name} .*services/base/settings.py") as raised:
        identity.check(with_shared(**{name: ["of-this-service-alone"]}))
    assert "of-this-service-alone" not in str(raised.value)


def test_allow_guests_in_one_service_only_aborts_startup():
    with pytest.raises(ImproperlyConfigured, match=r"^ALLOW_GUESTS .*services/base/settings.py"):
        identity.check(with_shared(CHANNELS_LIVE={"ALLOW_GUESTS": False}))
    identity.check(with_shared(CHANNELS_LIVE={"MAX_SOCKETS": 5}))


def test_package_setting_as_django_setting_aborts_startup():
    with pytest.raises(ImproperlyConfigured, match=r"^MAX_SOCKETS is not a setting of Django: .*CHANNELS_LIVE"):
        check_settings.check(with_shared(MAX_SOCKETS=5))
    with pytest.raises(ImproperlyConfigured, match=r"^HISTORY_RATE is not a setting of Django: .*CHAT"):
        check_settings.check(with_shared(HISTORY_RATE=5))


@pytest.mark.parametrize("name", ["CHANNELS_LIVE", "CHAT", "ACCOUNTS"])
def test_unknown_key_in_a_settings_dictionary_aborts_startup(name):
    check_settings.check(with_shared(**{name: {}}))
    with pytest.raises(ImproperlyConfigured, match=f"^{name}: 'RATE' is not a setting"):
        check_settings.check(with_shared(**{name: {"RATE": 5}}))


@pytest.mark.parametrize(
    ("service", "command"),
    [
        ("web", [sys.executable, "-m", "gunicorn", "--config", "services/web/gunicorn.conf.py"]),
        ("ws", [sys.executable, "-m", "ws"]),
        ("web", [sys.executable, "manage.py", "check"]),
    ],
    ids=["web", "ws", "manage.py"],
)
def test_invalid_identity_setting_aborts_every_program_with_one_line(service, command, copied_services):
    with (copied_services / f"services/{service}/settings.py").open("a") as settings:
        settings.write('\nSESSION_COOKIE_NAME = "ours"\n')
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment["PYTHONPATH"] = "src:services:apps"
    result = subprocess.run(
        command, cwd=copied_services, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 1
    assert result.stderr.startswith("Invalid configuration: SESSION_COOKIE_NAME ")
    assert result.stderr.count("\n") == 1
