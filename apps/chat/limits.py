"""How much one member, one user and one room may say. Every process counts what comes through itself."""

import time
from collections.abc import Hashable

from channels_live.conf import live_settings
from channels_live.journal import RateLimited
from channels_live.rate_limit import Limit, TokenBucket, TokenBuckets, take_from_all
from chat.conf import chat_settings

# Where a member may say as much as it likes: messages a second that a full room refuses to it before it is at fault.
UNLIMITED_REFUSED = 20


class MemberLimits:
    """What one socket may still send."""

    __slots__ = ("history", "messages", "refused_by_room", "typing")

    def __init__(self, messages: Limit, typing: Limit, history: Limit) -> None:
        self.messages = TokenBucket(messages)
        self.typing = TokenBucket(typing)
        self.history = TokenBucket(history)
        # Made with the first.
        self.refused_by_room: TokenBucket | None = None


class Limits:
    """Those of one process. Not for threads; one of web has its own."""

    def __init__(self) -> None:
        self._messages = Limit(live_settings.MESSAGE_RATE, live_settings.MESSAGE_BURST)
        # What a full room refuses to one member before it counts against that member: as often as it might speak.
        self._refused_by_room = Limit(live_settings.MESSAGE_RATE or UNLIMITED_REFUSED, live_settings.MESSAGE_BURST)
        self._typing = Limit(chat_settings.TYPING_RATE, 1)
        self._history = Limit(chat_settings.HISTORY_RATE, max(1, 4 * chat_settings.HISTORY_RATE))
        self._users = TokenBuckets[Hashable](Limit(2 * live_settings.MESSAGE_RATE, 2 * live_settings.MESSAGE_BURST))
        self._rooms = TokenBuckets[str](Limit(chat_settings.ROOM_MESSAGE_RATE, max(1, chat_settings.ROOM_MESSAGE_RATE)))

    def of_member(self) -> MemberLimits:
        """Return what a new socket may send."""
        return MemberLimits(self._messages, self._typing, self._history)

    def take_message(self, member: MemberLimits, user: Hashable, room: str) -> None:
        """Count a message; raises RateLimited where it is not to be stored, and then nothing is counted.

        ``user`` is who has the socket beside others, None for a guest who keeps no cookies.
        """
        now = time.monotonic()
        own = {"member": member.messages}
        if user is not None:
            own["user"] = self._users.of(user, now)
        in_room = self._rooms.of(room, now)
        if not take_from_all([*own.values(), in_room], now):
            return
        wait, limit = max((bucket.wait(now), name) for name, bucket in own.items())
        room_wait = in_room.wait(now)
        if wait:
            raise RateLimited(limit, max(wait, room_wait))
        bucket = member.refused_by_room = member.refused_by_room or TokenBucket(self._refused_by_room)
        is_too_often = take_from_all([bucket], now) > 0
        # One who waits for so long is never at fault.
        raise RateLimited("room", max(room_wait, bucket.wait(now)), is_too_often)

    def take_post(self, user: Hashable) -> None:
        """Count a message that a user posts over HTTP; raises RateLimited."""
        _take("user", self._users.of(user, time.monotonic()))

    def take_history(self, member: MemberLimits) -> None:
        """Count a page of history; raises RateLimited."""
        _take("history", member.history)

    def take_typing(self, member: MemberLimits) -> None:
        """Count a ``typing``; raises RateLimited."""
        _take("typing", member.typing)

    def take_wrong(self, member: MemberLimits) -> None:
        """Count a frame that cannot be understood as a message; raises RateLimited."""
        _take("invalid", member.messages)


def _take(name: str, bucket: TokenBucket) -> None:
    if wait := take_from_all([bucket], time.monotonic()):
        raise RateLimited(name, wait)
