"""Context variables of one connection's application are not visible to another's."""

from tests.support.protocol_script import run

SCRIPT = """
from contextvars import ContextVar
from channels_live.server.server import Server

language = ContextVar("language", default="none")
seen = []

async def application(scope, receive, send):
    seen.append((scope["path"], language.get()))
    language.set(scope["path"])
    server.handshakes.leave(scope["channels_live.socket"])

class Handshake:
    def __init__(self, path):
        self.path = path
    def begin_handshake(self):
        server.protocol_connected(self)
        server.create_application(self, {"type": "websocket", "path": self.path, "headers": []})
    async def receive(self):
        pass

async def main():
    global server
    server = Server(application, endpoints=["tcp:0"])
    server.connections = {}
    server.handshakes = HandshakeQueue(1)
    for path in ("one", "two", "three"):
        server.handshakes.enter(Handshake(path))
    while len(seen) < 3:
        await asyncio.sleep(0)
    assert seen == [("one", "none"), ("two", "none"), ("three", "none")], seen
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""


def test_application_does_not_inherit_the_context_of_another_connection():
    run(SCRIPT)
