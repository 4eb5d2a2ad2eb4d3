"""WebSocket frames (RFC 6455, section 5), built once for all who get them."""

from collections.abc import Iterable, Iterator

from autobahn.websocket.protocol import PreparedMessage

# What one write holds at most, or one frame: a client that does not read keeps no more of it waiting than that.
PIECE_BYTES = 64 * 1024

# The opcode, RFC 6455, section 5.2.
BINARY = 2


def text_frame(text: str) -> bytes:
    """Return a whole text message as one frame from server to client."""
    return frame(text.encode(), is_binary=False)


def frame(payload: bytes, is_binary: bool) -> bytes:
    """Return a whole message as one unmasked, uncompressed frame."""
    return PreparedMessage(payload, is_binary, applyMask=False, doNotCompress=True).payloadHybi


def messages(data: bytes) -> Iterator[dict[str, str | bytes]]:
    """Return the messages of whole frames that ``frame`` has made, as ASGI has them: ``text`` or ``bytes``."""
    while data:
        length, begin = data[1], 2
        if length >= 126:
            begin = 4 if length == 126 else 10
            length = int.from_bytes(data[2:begin], "big")
        payload = data[begin : begin + length]
        yield {"bytes": payload} if data[0] & 0xF == BINARY else {"text": payload.decode()}
        data = data[begin + length :]


def pieces(texts: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    """Join messages into as few writes as may be, and give the number of frames with each."""
    count, data = 0, bytearray()
    for text in texts:
        following = text_frame(text)
        if data and len(data) + len(following) > PIECE_BYTES:
            yield count, bytes(data)
            count, data = 0, bytearray()
        count += 1
        data += following
    if data:
        yield count, bytes(data)
