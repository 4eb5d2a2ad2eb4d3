import subprocess
import sys

from deploy.local.stack import ROOT

# In a process of its own, since Daphne installs Twisted's reactor when it is imported.
PROGRAM = """
import asyncio
from types import SimpleNamespace
from channels_live.consumers.direct import DirectConsumer

class Consumer(DirectConsumer):
    async def connect(self):
        connecting.set()
        await CONNECT
    async def disconnect(self, code):
        print("disconnect", code)

async def receive():
    return {"type": "websocket.connect"}

async def wrong():
    raise LookupError("of the application")

async def main():
    global CONNECT, connecting
    socket = SimpleNamespace(attach=lambda handler: print("attached"))
    for CONNECT, is_given_up in ((asyncio.sleep(0), False), (wrong(), False), (asyncio.Event().wait(), True)):
        connecting = asyncio.Event()
        task = asyncio.create_task(Consumer()({"channels_live.socket": socket}, receive, None))
        await connecting.wait()
        if is_given_up:
            task.cancel()
        print(*await asyncio.gather(task, return_exceptions=True))

asyncio.run(main())
"""


def test_disconnect_follows_where_connect_failed_or_was_given_up():
    environment = {"PYTHONPATH": f"{ROOT}/src:{ROOT}/services:{ROOT}/apps", "DJANGO_SETTINGS_MODULE": "ws.settings"}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.splitlines() == [
        *("attached", "None"),
        *("disconnect 1006", "of the application"),
        *("disconnect 1006", ""),
    ]
