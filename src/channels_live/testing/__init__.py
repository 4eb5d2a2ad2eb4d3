"""For an app's own tests: the running stack, WebSocket clients, and fixtures for pytest.

Install it with ``channels-live[testing]``. pytest finds the fixtures ``live_stack``, ``live_stack_factory`` and
``live_stack_options`` by themselves; LiveStack works with any other test runner. See docs/testing.md.
"""

from channels_live.testing.client import AsyncWebSocketClient, Close, FrameNotReceived, WebSocketClient
from channels_live.testing.deliveries import (
    Acknowledged,
    Delivery,
    DeliveryCount,
    assert_each_entry_once,
    count_deliveries,
)
from channels_live.testing.handshake import HandshakeRefused
from channels_live.testing.process import Process, ProcessFailed
from channels_live.testing.programs import ProgramMissing
from channels_live.testing.redis import find_redis, redis_process
from channels_live.testing.resuming import AsyncResumingClient, Refusal
from channels_live.testing.stack import ClientOptions, LiveStack
from channels_live.testing.sync_resuming import ResumingClient

__all__ = [
    "Acknowledged",
    "AsyncResumingClient",
    "AsyncWebSocketClient",
    "ClientOptions",
    "Close",
    "Delivery",
    "DeliveryCount",
    "FrameNotReceived",
    "HandshakeRefused",
    "LiveStack",
    "Process",
    "ProcessFailed",
    "ProgramMissing",
    "Refusal",
    "ResumingClient",
    "WebSocketClient",
    "assert_each_entry_once",
    "count_deliveries",
    "find_redis",
    "redis_process",
]
