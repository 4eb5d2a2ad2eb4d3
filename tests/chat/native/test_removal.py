"""A moderator's removal, from the admin's form to an open socket of another process."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from deploy.local import Stack
from deploy.local.stack import ROOT


def next_frame(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while (frame := json.loads(socket.recv(10)))["type"] != kind:
        pass
    return frame


def token_of(page: httpx.Response) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found
    return found[1]


def test_a_removal_in_the_admin_reaches_an_open_page(tmp_path: Path) -> None:
    with Stack(tmp_path, ws_processes=1) as stack:
        environment = {**stack.environment, "DJANGO_SUPERUSER_PASSWORD": "correct horse battery"}
        command = ["createsuperuser", "--noinput", "--username", "moderator", "--email", "m@example.com"]
        subprocess.run([sys.executable, str(ROOT / "manage.py"), *command], env=environment, check=True)
        address = f"{stack.url.replace('http', 'ws', 1)}/ws/chat/lobby/"
        with (
            connect(address, origin=stack.url, subprotocols=["chat.v1"]) as socket,  # type: ignore[arg-type, list-item]
            httpx.Client(base_url=stack.url, follow_redirects=True, timeout=20) as admin,
        ):
            socket.send(json.dumps({"type": "message", "id": "rude", "message": "something rude"}))
            assert next_frame(socket, "ack")["seq"] == 1

            login = {"username": "moderator", "password": "correct horse battery", "next": "/admin/"}
            page = admin.get("/admin/login/")
            admin.post("/admin/login/", data={**login, "csrfmiddlewaretoken": token_of(page)})
            page = admin.get("/admin/chat/message/")
            action = re.search(r'<option value="(remove[^"]*)"', page.text)
            key = re.search(r'name="_selected_action" value="(\d+)"', page.text)
            assert action
            assert key
            form = {"action": action[1], "_selected_action": key[1], "csrfmiddlewaretoken": token_of(page)}
            assert admin.post("/admin/chat/message/", data=form).status_code == 200

            assert next_frame(socket, "removed") == {"type": "removed", "seq": 1}
            socket.send(json.dumps({"type": "history"}))
            (message,) = next_frame(socket, "history")["messages"]
            assert (message["seq"], message["message"], message["removed"]) == (1, "", True)
