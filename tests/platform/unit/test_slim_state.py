"""What autobahn, Daphne and Twisted give a connection: a new version that changes it fails here."""

import subprocess
import sys

from deploy.local.stack import ROOT

# In a process of its own, since Daphne installs Twisted's reactor when it is imported.
LIST_ATTRIBUTES = """
import daphne.server
from daphne.ws_protocol import WebSocketFactory
from twisted.internet.testing import StringTransport
from channels_live.server.slim_state import SlimState
from channels_live.server.protocol import WebSocketProtocol

class Protocol(WebSocketProtocol):
    server = None

factory = WebSocketFactory(None)
Protocol.factory = factory
for name in WebSocketProtocol.__mro__[2].CONFIG_ATTRS:
    setattr(Protocol, name, getattr(factory, name))
protocol = Protocol()
transport = StringTransport()
transport.getHandle = lambda: type("Handle", (), {"send": None})
protocol.makeConnection(transport)
print(*sorted(name for name in vars(protocol) if not hasattr(Protocol, name)))
"""


def test_the_class_has_every_attribute_that_an_open_connection_is_asked_for():
    command = [sys.executable, "-c", LIST_ATTRIBUTES]
    environment = {"PYTHONPATH": f"{ROOT}/src:{ROOT}/services:{ROOT}/apps", "DJANGO_SETTINGS_MODULE": "ws.settings"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    # An open connection's own, and what is asked for in the handshake only.
    assert set(result.stdout.split()) == {"_transport_details", "is_open", "send_now"}
