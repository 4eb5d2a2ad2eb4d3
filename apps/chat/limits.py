"""Rate limits of one member, one user and one room. Each process counts what passes through itself."""

import time
from collections.abc import Hashable

from channels_live.conf import live_settings
from channels_live.journal import RateLimited
from channels_live.rate_limit import Limit, TokenBucket, TokenBuckets, take_from_all
from chat.conf import chat_settings

# Without MESSAGE_RATE: messages per second that a full room refuses to one member before that counts as flooding.
UNLIMITED_REFUSED = 20


class MemberLimits:
    """What one socket may still send."""

    __slots__ = ("history", "messages", "refused_by_room", "typing")

    def __init__(self, messages: Limit, typing: Limit, history: Limit) -> None:
        self.messages = TokenBucket(messages)
        self.typing = TokenBucket(typing)
        self.history = TokenBucket(history)
        # Created with the first refusal.
        self.refused_by_room: TokenBucket | None = None


class Limits:
    """The limits of one process. Not thread-safe: web takes a lock."""

    def __init__(self) -> None:
        self._messages = Limit(live_settings.MESSAGE_RATE, live_settings.MESSAGE_BURST)
        # Messages that a full room refuses to one member before that counts as flooding: as many as it may send.
        self._refused_by_room = Limit(live_settings.MESSAGE_RATE or UNLIMITED_REFUSED, live_settings.MESSAGE_BURST)
        self._typing = Limit(chat_settings.TYPING_RATE, 1)
        self._history = Limit(chat_settings.HISTORY_RATE, max(1, 4 * chat_settings.HISTORY_RATE))
        self._users = TokenBuckets[Hashable](Limit(2 * live_settings.MESSAGE_RATE, 2 * live_settings.MESSAGE_BURST))
        self._rooms = TokenBuckets[str](Limit(chat_settings.ROOM_MESSAGE_RATE, max(1, chat_settings.ROOM_MESSAGE_RATE)))

    def of_member(self) -> MemberLimits:
        """Return what a new socket may send."""
        return MemberLimits(self._messages, self._typing, self._history)

    def take_message(self, member: MemberLimits, user: Hashable, room: str) -> None:
        """Count a message. Raises RateLimited where a limit is exceeded; then nothing is counted.

        ``user`` identifies the visitor over all of their sockets; None for a guest without the cookie.
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
        # A client that waits this long is never taken for a flooding one.
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

    def take_invalid(self, member: MemberLimits) -> None:
        """Count an invalid frame as a message; raises RateLimited."""
        _take("invalid", member.messages)


def _take(name: str, bucket: TokenBucket) -> None:
    if wait := take_from_all([bucket], time.monotonic()):
        raise RateLimited(name, wait)
