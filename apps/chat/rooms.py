"""Room names, the same in HTTP and WebSocket addresses."""

import re
import unicodedata

from accounts.unicode import is_of_one_script, is_unseen

MAX_CHARS = 64
ASCII_NAME = re.compile(f"[A-Za-z0-9_-]{{1,{MAX_CHARS}}}")


class RoomNameConverter:
    """Path converter: 1-64 letters of any script, digits, ``-`` and ``_``, in Unicode's NFC.

    Marks count as letters, since Thai, Hindi and others cannot be written without them.
    """

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        name = unicodedata.normalize("NFC", value)
        if not is_room_name(name):
            raise ValueError
        return name

    def to_url(self, value: str) -> str:
        return value


def is_room_name(name: str) -> bool:
    """Whether an NFC-normalised text names a room."""
    # Most names, at a fraction of the time.
    if name.isascii():
        return ASCII_NAME.fullmatch(name) is not None
    return 1 <= len(name) <= MAX_CHARS and all(
        character in "-_" or unicodedata.category(character)[0] in "LM" or unicodedata.category(character) == "Nd"
        for character in name
    )


def is_clear(name: str) -> bool:
    """Whether all characters of a room's name are visible and no word of it mixes scripts (UTS #39).

    Existing rooms may have an unclear name, so the path converter accepts it; chat.access, which knows the existing
    rooms, refuses new ones. Two names of one script each that look alike are both clear: a room has no owner whom
    another room could impersonate.
    """
    return name.isascii() or (
        not any(is_unseen(character) for character in name)
        and all(is_of_one_script(word) for word in re.split("[-_]", name))
    )
