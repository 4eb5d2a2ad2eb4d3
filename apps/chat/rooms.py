"""Room names, the same in HTTP and WebSocket addresses."""

import hashlib
import re
import unicodedata

from accounts.unicode import is_of_one_script, is_unseen

MAX_CHARS = 64


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
    return 1 <= len(name) <= MAX_CHARS and all(
        character in "-_" or unicodedata.category(character)[0] in "LM" or unicodedata.category(character) == "Nd"
        for character in name
    )


def is_clear(name: str) -> bool:
    """Whether a room's name cannot be taken for another by its characters: all are seen, and no word mixes scripts.

    Rooms of before may have another name: only chat.access, which knows the rooms there are, refuses new ones. Two
    names of one script each, such as coco in Latin and in Cyrillic letters, are clear: a room has no owner to pass for.
    """
    return name.isascii() or (
        not any(is_unseen(character) for character in name)
        and all(is_of_one_script(word) for word in re.split("[-_]", name))
    )


def group_name(room: str) -> str:
    """The room's group in the channel layer, which allows ASCII only and under 100 characters."""
    return f"chat.{hashlib.sha256(room.encode()).hexdigest()}"
