"""API tokens of a running stack."""

import subprocess
import sys

from deploy.local import Stack
from deploy.local.stack import ROOT

MAKE_TOKEN = """
from accounts import tokens
from accounts.models import ApiToken, User
token = tokens.new_token()
ApiToken.objects.create(user=User.objects.create_user("bot"), name="test", digest=tokens.digest(token))
print(token)
"""


def make_token(stack: Stack) -> str:
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", MAKE_TOKEN]
    result = subprocess.run(command, env=stack.environment, capture_output=True, text=True, timeout=30, check=True)
    return result.stdout.strip()
