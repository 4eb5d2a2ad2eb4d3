"""A frame that many consumers send alike is built once."""

from channels_live.frames import PIECE_BYTES, text_frame

# The last text, and its frame.
_last: tuple[str, bytes] = ("", text_frame(""))


def shared_text_frame(text: str) -> bytes:
    """Return a whole text message as one frame; the same bytes where the last call had an equal text."""
    global _last
    last_text, data = _last
    if text == last_text:
        return data
    data = text_frame(text)
    if len(data) <= PIECE_BYTES:
        _last = text, data
    return data
