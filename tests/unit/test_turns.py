"""What one client sends at once takes no more of a ws process than its share."""

import subprocess
import sys

from deploy.local.stack import ROOT

# In a process of its own, since Daphne installs Twisted's reactor when it is imported.
PRELUDE = """
import asyncio
from types import SimpleNamespace
from daphne.server import twisted_loop
from daphne.ws_protocol import WebSocketFactory
from twisted.internet.testing import StringTransport
from ws.open_connection import keep_only_own_state
from ws.outgoing import Outgoing
from ws.protocol import WebSocketProtocol

class Server:
    tasks = set()
    def start(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        return task

class Transport(StringTransport):
    def getHandle(self):
        return SimpleNamespace(send=len)

factory = WebSocketFactory(None)
class Protocol(WebSocketProtocol):
    server = Server()
Protocol.factory = factory
for name in Outgoing.CONFIG_ATTRS:
    setattr(Protocol, name, getattr(factory, name))
Protocol.perMessageCompressionAccept = None
Protocol.openHandshakeTimeout = 0

def opened(handler):
    protocol = Protocol()
    protocol.makeConnection(Transport())
    protocol.state = protocol.STATE_OPEN
    protocol.handler = handler
    keep_only_own_state(protocol)
    return protocol

def messages(count):
    return b"".join(b"\\x81\\x83\\0\\0\\0\\0%03d" % number for number in range(count))
"""

TURNS = """
order = []
async def main():
    async def of_many(message):
        order.append("many")
    async def of_one(message):
        order.append("one")
    many, one = opened(of_many), opened(of_one)
    many.dataReceived(messages(500))
    assert len(many.inbox) == 32, len(many.inbox)
    assert many.transport.producerState == "paused"
    await asyncio.sleep(0)
    one.dataReceived(messages(1))
    while len(order) < 501:
        await asyncio.sleep(0)
    assert order.index("one") <= 4, order.index("one")
    assert many.transport.producerState == "producing"
twisted_loop.run_until_complete(main())
"""

WORK = """
numbers, done = [], []
async def main():
    may_end = asyncio.Event()
    async def answer(number):
        await may_end.wait()
        done.append(number)
    async def handler(message):
        numbers.append(int(message["text"]))
        protocol.start(answer(numbers[-1]))
    protocol = opened(handler)
    protocol.dataReceived(messages(100))
    for _ in range(1000):
        await asyncio.sleep(0)
    assert numbers == [*range(8)], numbers
    may_end.set()
    while len(done) < 100:
        await asyncio.sleep(0)
    assert done == [*range(100)]
twisted_loop.run_until_complete(main())
"""


def run(script: str) -> None:
    environment = {"PYTHONPATH": f"{ROOT}/services:{ROOT}/apps", "DJANGO_SETTINGS_MODULE": "ws.settings"}
    command = [sys.executable, "-c", PRELUDE + script]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr


def test_another_client_has_its_turn_while_one_has_sent_much():
    run(TURNS)


def test_a_client_whose_answers_are_on_their_way_waits_before_it_is_heard_again():
    run(WORK)
