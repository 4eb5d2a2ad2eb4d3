"""Channels' own test tools on the chat's consumers, in the routing of ws."""

import pytest
from channels.testing import WebsocketCommunicator

pytestmark = pytest.mark.django_db(transaction=True)
HEADERS = [(b"host", b"localhost"), (b"origin", b"http://localhost")]


def communicator(path: str, *subprotocols: str) -> WebsocketCommunicator:
    from ws.asgi import application  # where Django is set up

    return WebsocketCommunicator(application, path, headers=HEADERS, subprotocols=list(subprotocols))


# Twice, because each test has an event loop of its own.
