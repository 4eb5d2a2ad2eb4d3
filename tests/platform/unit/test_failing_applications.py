"""An application that raises gets its error response, and Daphne's loop over all applications goes on."""

from tests.support.protocol_script import run

SCRIPT = """
from daphne.http_protocol import HTTPFactory
from channels_live.server.http_connection import HttpConnection
from channels_live.server.http_request import Request
from channels_live.server.server import Server

failing = asyncio.Event()

async def application(scope, receive, send):
    if scope["type"] == "http" and scope["path"] == "/begun":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
    if scope["path"] == "/no-status":
        await send({"type": "http.response.start", "headers": []})
    raise LookupError("of the application")

class Line(StringTransport):
    aborted = False
    def abortConnection(self):
        self.aborted = True
    def startWriting(self):
        pass

async def main():
    Protocol.server = factory.server_class = server = Server(application, endpoints=["tcp:0"])
    server.connections = {}
    server.http_factory = HTTPFactory(server)
    lines = []
    for path in (b"/begun", b"/no-status", b"/"):
        channel = HttpConnection()
        channel.factory, channel.requestFactory = server.http_factory, Request
        channel.makeConnection(Line())
        channel.dataReceived(b"GET %s HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" % path)
        lines.append(channel.transport)
    sockets = [accepted() for _ in range(2)]
    sockets[0].state = sockets[0].STATE_CONNECTING
    for protocol in sockets:
        server.protocol_connected(protocol)
        server.create_application(protocol, {"type": "websocket", "path": "/", "headers": []})
    for _ in range(10):
        await asyncio.sleep(0)
    server.application_checker()
    begun, *not_begun = lines
    assert begun.aborted and begun.value().endswith(b"half\\r\\n"), begun.value()
    for line in not_begun:
        assert line.value().startswith(b"HTTP/1.1 500 "), line.value()
    assert sockets[0].transport.sent[0].startswith(b"HTTP/1.1 500 "), sockets[0].transport.sent
    assert sockets[1].localCloseCode == 1011
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""

SUBPROTOCOL = """
async def main():
    protocol = accepted()
    protocol.state = protocol.STATE_CONNECTING
    protocol.websocket_protocols = ["journal.v1"]
    try:
        protocol.accept("other")
    except ValueError as error:
        assert "'other'" in str(error)
    else:
        raise AssertionError("nobody would hear of it")
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""


def test_failing_application_does_not_affect_other_connections():
    run(SCRIPT)


def test_accept_raises_for_a_subprotocol_that_was_not_offered():
    run(SUBPROTOCOL)
