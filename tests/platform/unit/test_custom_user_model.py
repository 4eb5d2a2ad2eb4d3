"""The middleware in a project of another team, with its own user model and without our apps."""

import json
import os
import subprocess
import sys

import pytest

from deploy.local.stack import ROOT

MODELS = """
import uuid
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

class Person(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    USERNAME_FIELD = "email"
    objects = BaseUserManager()
"""
SETTINGS = """
import os
SECRET_KEY = "of another project"
DEBUG = True
INSTALLED_APPS = [*(f"django.contrib.{app}" for app in ("contenttypes", "auth", "sessions")), "channels_live", "people"]
AUTH_USER_MODEL = "people.Person"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DATABASE"]}}
SESSION_ENGINE = os.environ["SESSION_ENGINE"]
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
"""
ASGI = """
import os
from django.core.asgi import get_asgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite_settings")
django_application = get_asgi_application()
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import re_path
from channels_live.middleware import websocket_middleware

async def consumer(scope, receive, send):
    scope["seen"].append(str(scope["user"]))

application = ProtocolTypeRouter(
    {"http": django_application, "websocket": websocket_middleware(URLRouter([re_path("", consumer)]))}
)
"""
USE = """
import asyncio, json, sys
from mysite_asgi import application
from channels_live.middleware.session_user import SessionStore
from django.contrib.auth import get_user_model, login
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest

class Socket:
    subjects = ()

def handshake(cookie):
    seen, sent, socket = [], [], Socket()
    async def send(message):
        sent.append(message.get("code", message["type"]))
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
    if cookie is not None:
        headers.append((b"cookie", b"sessionid=" + cookie.encode()))
    scope = {"type": "websocket", "path": "/", "query_string": b"", "headers": headers, "subprotocols": []}
    scope["seen"] = seen
    asyncio.run(application(scope, None, send))
    return seen + sent

call_command("migrate", run_syncdb=True, verbosity=0)
person = get_user_model()(email="ada@example.org")
person.set_password("x")
person.save()
request = HttpRequest()
request.session = SessionStore()
login(request, person, "django.contrib.auth.backends.ModelBackend")
request.session.save()
key = request.session.session_key
results = [handshake(key), handshake(None)]
if sys.argv[1] != "signed_cookies":  # whose key is the signed session itself
    results.append(handshake("madeupmadeupmadeupmadeupmadeup12"))
results.append(handshake('"a\\\\000b"'))
person.set_password("y")
person.save()
results.append(handshake(key))
print(json.dumps({"results": results, "apps": sorted({"accounts", "chat", "base", "web", "ws"} & set(sys.modules))}))
"""
GUEST = ["AnonymousUser"]


@pytest.mark.parametrize("engine", ["db", "cache", "signed_cookies"])
def test_session_of_a_custom_user_model_is_authenticated(tmp_path, engine):
    (tmp_path / "people").mkdir()
    (tmp_path / "people/__init__.py").touch()
    (tmp_path / "people/models.py").write_text(MODELS)
    (tmp_path / "mysite_settings.py").write_text(SETTINGS)
    (tmp_path / "mysite_asgi.py").write_text(ASGI)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(tmp_path)]),
        "SESSION_ENGINE": f"django.contrib.sessions.backends.{engine}",
        "DATABASE": str(tmp_path / "db.sqlite3"),
    }
    command = [sys.executable, "-c", USE, engine]
    run = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    # structlog prints to stdout where a project does not configure it.
    found = json.loads(run.stdout.splitlines()[-1])
    guests = [GUEST] * (2 if engine == "signed_cookies" else 3)
    assert found == {"results": [["ada@example.org"], *guests, ["websocket.accept", 4401]], "apps": []}
