"""A database with users of Django's own user model, as a project has that moves in."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.stack import PYTHONPATH, ROOT
from tests.support.postgres import Server

# The other project: its settings and its first user.
OTHER_PROJECT = """
import os, sys
import django
from django.conf import settings
sys.path[:0] = ["src", "services"]
from channels_live.conf import parse_database_url
apps = ["admin", "auth", "contenttypes", "sessions", "messages"]
settings.configure(
    SECRET_KEY="other", DATABASES={"default": parse_database_url(os.environ["DATABASE_URL"])}, USE_TZ=True,
    INSTALLED_APPS=[f"django.contrib.{app}" for app in apps],
)
django.setup()
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
call_command("migrate", verbosity=0)
user = User.objects.create_superuser("alice", password="correct horse")
for name in ("alic\u0435", "guest-k7m2xq"):
    User.objects.create_user(name, password="correct horse")
user.groups.add(Group.objects.create(name="editors"))
user.user_permissions.add(Permission.objects.get(codename="change_user"))
LogEntry.objects.log_actions(user.pk, [user], 2, change_message="changed")
"""
LOOK = """
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
user = get_user_model().objects.get(username="alice")
print(user.check_password("correct horse"), *user.groups.values_list("name", flat=True),
      *user.user_permissions.values_list("content_type__app_label", "codename").get(), user.logentry_set.count())
for user in get_user_model().objects.order_by("pk"):
    print(ModelBackend().authenticate(None, user.username, "correct horse") == user, user.skeleton is None)
get_user_model().objects.create_user("bob")
"""


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "SQLite":
        yield f"sqlite:///{tmp_path}/other.sqlite3"
        return
    server = Server()
    server.start()
    yield server.create_database()
    server.stop()


def test_a_team_moves_in_with_its_users(database_url: str) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "DATABASE_URL": database_url}
        environment["DJANGO_SETTINGS_MODULE"] = "web.settings"
        return subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    other = run("-c", OTHER_PROJECT)
    assert other.returncode == 0, other.stderr

    refused = run("manage.py", "migrate")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert "`manage.py adopt_auth_users` takes its users over" in refused.stderr

    adopted = run("manage.py", "adopt_auth_users")
    assert adopted.stdout == "3 users are now accounts of this project. Run `manage.py migrate`.\n", adopted.stderr
    migrated = run("manage.py", "migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert run("manage.py", "makemigrations", "--check").returncode == 0
    look = run("manage.py", "shell", "-v0", "-c", LOOK)
    # All log in, also those whose names would be refused today; the later of two names that look alike has no skeleton.
    alike = "True False\nTrue True\nTrue False\n"
    assert look.stdout == f"True editors accounts change_user 1\n{alike}", look.stderr

    again = run("manage.py", "adopt_auth_users")
    assert again.returncode == 1
    assert "has the users of this project already" in again.stderr
