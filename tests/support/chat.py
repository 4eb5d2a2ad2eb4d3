"""The chat's protocol for tests/support/client.py."""

from tests.support.client import Protocol

CHAT = Protocol("/ws/chat/", "chat.v1", "message", "message")
