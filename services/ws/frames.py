"""WebSocket frames (RFC 6455, section 5), built once for all who get them."""

from autobahn.websocket.protocol import PreparedMessage


def text_frame(text: str) -> bytes:
    """Return a whole text message as one frame from server to client."""
    return frame(text.encode(), is_binary=False)


def frame(payload: bytes, is_binary: bool) -> bytes:
    """Return a whole message as one unmasked, uncompressed frame."""
    return PreparedMessage(payload, is_binary, applyMask=False, doNotCompress=True).payloadHybi
