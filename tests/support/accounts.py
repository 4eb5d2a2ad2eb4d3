"""Users of a running stack: accounts, logins, and the code with which their sockets are closed."""

import re
import subprocess
import sys
import time

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from deploy.local import Stack
from deploy.local.stack import ROOT

PASSWORD = "correct horse battery"


def shell(stack: Stack, code: str) -> str:
    """Run code in `manage.py shell`, which imports the models, and return what it prints."""
    command = [sys.executable, str(ROOT / "manage.py"), "shell", "-v0", "-c", code]
    result = subprocess.run(command, env=stack.environment, capture_output=True, text=True, timeout=60, check=True)
    return result.stdout.strip()


def make_user(stack: Stack, name: str) -> str:
    """Make a user, and return an API token of theirs."""
    return shell(
        stack,
        "from accounts import tokens\nfrom accounts.models import *\ntoken = tokens.new_token()\n"
        f"user = User.objects.create_user({name!r}, password={PASSWORD!r})\n"
        "ApiToken.objects.create(user=user, name='test', digest=tokens.digest(token))\nprint(token)",
    )


def log_in_new(stack: Stack, name: str) -> httpx.Client:
    make_user(stack, name)
    return log_in(stack, name)


def log_in(stack: Stack, name: str) -> httpx.Client:
    client = httpx.Client(base_url=stack.url, timeout=30)
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/accounts/login/").text)
    assert found
    form = {"csrfmiddlewaretoken": found[1], "username": name, "password": PASSWORD}
    assert client.post("/accounts/login/", data=form).status_code == 302
    client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
    return client


def session_of(browser: httpx.Client | None) -> dict[str, str]:
    """Return the header with which a socket has the browser's session; none for a guest."""
    return {"Cookie": f"sessionid={browser.cookies['sessionid']}"} if browser else {}


def close_code(socket: ClientConnection, within: float = 15) -> int:
    """Read on until the server closes, and return its code; TimeoutError where it does not."""
    deadline = time.monotonic() + within
    try:
        while True:
            socket.recv(max(0.0, deadline - time.monotonic()))
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
