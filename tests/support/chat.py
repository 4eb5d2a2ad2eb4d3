"""The chat's protocol for tests/support/client.py."""

from tests.support.client import Protocol

CHAT = Protocol("/ws/chat/", "chat.v1", "message", "message")
# Its frames have no type and no id.
TUTORIAL = Protocol("/ws/chat/", "", "", "message")
