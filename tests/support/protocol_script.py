"""Scripts that drive ws's protocol without a network, each in its own process: Daphne installs Twisted's reactor."""

import subprocess
import sys

from deploy.local.stack import ROOT

PRELUDE = """
import asyncio
from types import SimpleNamespace
from daphne.server import twisted_loop
from daphne.ws_protocol import WebSocketFactory
from twisted.internet.testing import StringTransport
from channels_live.rate_limit import Limit
from channels_live.server.handshake_queue import HandshakeQueue
from channels_live.server.slim_state import drop_handshake_state
from channels_live.server.writer import Writer
from channels_live.server.protocol import WebSocketProtocol

class Server:
    tasks = set()
    handshakes = HandshakeQueue(1)
    member_buffer = 64 * 1024
    stall_seconds = 30.0
    max_head_bytes = 64 * 1024
    ping_limit = Limit(0.001, 5)
    refusal_limit = Limit(0.001, 2)
    def detach(self, protocol):
        pass
    protocol_disconnected = detach
    def log_action(self, *details):
        pass

class Transport(StringTransport):
    dataBuffer, offset = b"", 0
    def fileno(self):
        return -1
    def __init__(self):
        super().__init__()
        self.sent = []
        self.takes = True
    def getHandle(self):
        return SimpleNamespace(send=self.send)
    def send(self, data):
        if not self.takes:
            raise BlockingIOError
        self.sent.append(data)
        return len(data)
    def abortConnection(self):
        self.disconnecting = True

factory = WebSocketFactory(None)
factory.setProtocolOptions(failByDrop=False)
class Protocol(WebSocketProtocol):
    server = Server()
Protocol.factory = factory
for name in Writer.CONFIG_ATTRS:
    setattr(Protocol, name, getattr(factory, name))
Protocol.perMessageCompressionAccept = None
Protocol.openHandshakeTimeout = 0

def accepted():
    \"\"\"Return a connection whose application has accepted it, and has not attached.\"\"\"
    protocol = Protocol()
    protocol.makeConnection(Transport())
    protocol.state, protocol.was_accepted = protocol.STATE_OPEN, True
    protocol.inside_message, protocol.current_frame = False, None  # as autobahn does at the end of the handshake
    protocol.application_queue = asyncio.Queue()
    protocol.request_id = "1"
    protocol.request = SimpleNamespace(path="/")
    return protocol

def opened(handler):
    protocol = accepted()
    protocol.handler = handler
    drop_handshake_state(protocol)
    return protocol

def masked(payload, opcode=1, is_last=True):
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 * is_last | opcode]) + size + b"\\1\\2\\3\\4" + bytes(
        byte ^ b"\\1\\2\\3\\4"[place % 4] for place, byte in enumerate(payload)
    )

def messages(count):
    return b"".join(masked(b"%03d" % number) for number in range(count))
"""


def run(script: str) -> None:
    """Run a script after the prelude; raises AssertionError with its traceback if it fails."""
    environment = {"PYTHONPATH": f"{ROOT}/src:{ROOT}/services:{ROOT}/apps", "DJANGO_SETTINGS_MODULE": "ws.settings"}
    command = [sys.executable, "-c", PRELUDE + script]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
