"""What an open connection is made of in memory.

autobahn and Daphne give each connection some eighty attributes: options, flags, timers, and what was said in the
handshake. On an open one nearly all have the same value, so they stand here once, and an instance keeps only what
is its own. tests/unit/test_open_connection.py fails when a new version of either adds one.
"""

from collections import deque
from functools import cached_property
from typing import Any

from autobahn.websocket.protocol import TrafficStats, WebSocketProtocol
from autobahn.websocket.utf8validator import Utf8Validator
from twisted.internet.defer import Deferred

OWN = ("transport", "state", "send_now", "is_backed_up", "heard", "handler", "socket_opened", "request_id", "subjects")


class OpenConnection:
    """The attributes of a connection after its handshake; a base class before autobahn's."""

    # One for the process: its totals are what /metrics says.
    trafficStats = TrafficStats()
    state = WebSocketProtocol.STATE_OPEN
    send_state = WebSocketProtocol.SEND_STATE_GROUND
    data = b""
    send_queue: deque[Any] = deque(maxlen=0)
    inside_message = triggered = connected = False
    was_accepted = True
    current_frame = trackedTimings = _perMessageCompress = None

    closedByMe = failedByMe = droppedByMe = wasClean = False
    wasMaxFramePayloadSizeExceeded = wasMaxMessagePayloadSizeExceeded = False
    wasServerConnectionDropTimeout = wasOpenHandshakeTimeout = wasCloseHandshakeTimeout = False
    wasServingFlashSocketPolicyFile = False
    wasNotCleanReason = localCloseCode = localCloseReason = remoteCloseCode = remoteCloseReason = None
    openHandshakeTimeoutCall = closeHandshakeTimeoutCall = None
    autoPingTimeoutCall = autoPingPending = autoPingPendingCall = autoPingPendingSent = None
    autoPingPendingSeq = 0

    websocket_version = 13
    peer = client_addr = path = None

    @cached_property
    def is_closed(self) -> Deferred[Any]:
        return Deferred()

    @cached_property
    def utf8validator(self) -> Utf8Validator:
        return Utf8Validator()


def keep_only_own_state(connection: Any) -> None:
    """Forget what an open connection does not need, or has in common with all others."""
    connection.__dict__ = {name: value for name, value in vars(connection).items() if name in OWN}
