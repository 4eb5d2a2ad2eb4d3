"""A handshake that the application does not answer in time, or rejects, is logged with its path and reason."""

import re
import subprocess
import sys

from deploy.local.stack import ROOT

# In a process of its own, since Daphne installs Twisted's reactor when it is imported.
PROGRAM = """
import django
django.setup()
from types import SimpleNamespace
from daphne.ws_protocol import WebSocketFactory
from twisted.internet.testing import StringTransport
from channels_live.server.refusals import log_refusal
from channels_live.server.writer import Writer
from channels_live.server.protocol import WebSocketProtocol

class Handshakes:
    def __init__(self): self.begun = set()
    def __contains__(self, protocol): return protocol in self.begun
    def leave(self, protocol): self.begun.discard(protocol)

def protocol_of(request):
    protocol = WebSocketProtocol()
    protocol.factory = WebSocketFactory(None)
    protocol.server = SimpleNamespace(handshakes=Handshakes())
    protocol.transport = StringTransport()
    protocol.state = protocol.STATE_CONNECTING
    protocol.dropConnection = lambda abort: None
    protocol.openHandshakeTimeoutCall = object()
    if request:
        protocol.server.handshakes.begun.add(protocol)
        protocol.http_request_data = request
    return protocol

request = (
    b"GET /ws/feed/lobby/?ticket=secret HTTP/1.1\\r\\nHost: localhost\\r\\n"
    b"X-Request-ID: abcdefgh12345678\\r\\n\\r\\n"
)
protocol_of(request).onOpenHandshakeTimeout()
# Only a whole request is one to speak of; a port scanner leaves others open.
protocol_of(None).onOpenHandshakeTimeout()

def reject(protocol):
    protocol.handshake_deferred = SimpleNamespace(errback=lambda error: None)
    protocol.server.protocol_disconnected = protocol.server.log_action = lambda *_: None
    protocol.client_addr = ["127.0.0.1", 1]
    protocol.request = SimpleNamespace(path="/")
    protocol.serverReject()

reject(protocol_of(request))
foreign = protocol_of(request)
headers = [(b"x-request-id", b"abcdefgh12345678")]
scope = {"path": "/ws/feed/lobby/", "headers": headers, "channels_live.socket": foreign}
log_refusal(scope, "origin")
reject(foreign)
"""


def test_the_log_has_the_path_and_the_request_id_and_no_query():
    environment = {
        "PYTHONPATH": f"{ROOT}/src:{ROOT}/services:{ROOT}/apps",
        "DJANGO_SETTINGS_MODULE": "ws.settings",
        "LOG_FORMAT": "console",
    }
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    output = result.stdout + result.stderr
    # Once each, also where the one who rejects has logged the reason.
    assert output.count("handshake refused") == 3
    for reason in ("timeout", "rejected", "origin"):
        assert re.search(rf"path=/ws/feed/lobby/ .*reason={reason} .*request_id=abcdefgh12345678", output)
    assert "secret" not in output
