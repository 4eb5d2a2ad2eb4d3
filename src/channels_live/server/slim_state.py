"""What an open connection is made of in memory.

autobahn and Daphne give each connection some eighty attributes: options, flags, timers, and what was said in the
handshake. On an open one nearly all have the same value, so they stand here once, and an instance keeps only what
differs, such as a partially received frame or unsent data. tests/platform/unit/test_slim_state.py fails when a
new version of either adds one.
"""

from collections import deque
from functools import cached_property
from typing import Any

from autobahn.websocket.protocol import TrafficStats, WebSocketProtocol
from autobahn.websocket.utf8validator import Utf8Validator
from twisted.internet.defer import Deferred

# Needed during the handshake only, or shared by all connections, or created again on access.
HANDSHAKE_STATE = frozenset(
    {
        *("request", "clean_headers", "root_path", "path", "peer", "client_addr", "server_addr", "client_scheme"),
        *("application_deferred", "application_queue", "protocol_to_accept", "handshake_started_at", "last_ping"),
        *("http_request_data", "http_response_data", "http_status_line", "http_headers", "http_request_uri"),
        *("http_request_path", "http_request_params", "http_request_host", "_raw_query_string", "_wskey"),
        *("websocket_origin", "websocket_protocols", "websocket_protocol_in_use"),
        *("websocket_extensions", "websocket_extensions_in_use"),
        *("is_open", "is_closed", "trafficStats", "_transport_details", "_valid_events", "_results", "connected"),
    }
)
# autobahn's parser state of the current message.
MESSAGE_STATE = frozenset(
    {
        *("current_frame_masker", "control_frame_data", "frame_data", "frame_length", "fragments"),
        *("message_data", "message_data_total_length", "message_is_binary", "_isMessageCompressed"),
        *("utf8validator", "utf8validateLast", "utf8validateIncomingCurrentMessage"),
    }
)


class SlimState:
    """The attributes of a connection after its handshake; a base class before autobahn's."""

    # A connection equals itself only, as in Daphne, whose own methods for it are written in Python: a handshake looks
    # the connection up in some twenty sets and dictionaries.
    __hash__ = object.__hash__
    __eq__ = object.__eq__

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


def drop_handshake_state(connection: SlimState) -> None:
    """Remove the attributes that an open connection no longer needs, or that equal those of the class.

    Everything else is kept: a partially received frame or message, unsent data, and used-up rate limits.
    """
    is_within_message = connection.inside_message or connection.current_frame is not None
    dropped = HANDSHAKE_STATE if is_within_message else HANDSHAKE_STATE | MESSAGE_STATE
    shared = type(connection)
    connection.__dict__ = {
        name: value
        for name, value in vars(connection).items()
        if name not in dropped and value != getattr(shared, name, _NOTHING)
    }


_NOTHING = object()
