import functools
import logging
import uuid
from typing import Any

from django.db import Error

from accounts.guests import author_of
from channels_live.close_codes import CloseCode
from channels_live.consumers import JournalConsumer
from channels_live.database import log_failure
from channels_live.hub import Event
from channels_live.journal import Draft, InvalidInput, RateLimited, encode
from channels_live.server import log_refusal
from chat.access import Refusal, is_about_access, membership_subject, room_subject
from chat.limits import MemberLimits
from chat.metrics import INVALID
from chat.protocol import (
    CHAT_V1,
    DETAILS,
    TUTORIAL,
    HistoryFrame,
    MessageFrame,
    parse_frame,
    parse_tutorial_frame,
    presence_frames,
    typing_frames,
)
from chat.runtime import ChatRuntime, RoomSource, get_chat_runtime

logger = logging.getLogger(__name__)

HISTORY_RETRY_SECONDS = 2
# Of channels_live.observability.metrics.RESULTS.
REFUSAL_RESULTS = {Refusal.LOGIN_NEEDED: "auth", Refusal.FORBIDDEN: "forbidden", Refusal.NOT_FOUND: "not_found"}


@functools.lru_cache(maxsize=1000)
def subjects_of_guest(room: str) -> tuple[str, ...]:
    """Return the subjects of a guest's socket; the same object for all guests of a room."""
    return (room_subject(room),)


class ChatConsumer(JournalConsumer):
    """A member of one room, in the tutorial's protocol or in ``chat.v1`` (docs/protocol.md)."""

    source = RoomSource
    details = DETAILS
    runtime: ChatRuntime
    # Created with the first frame: most members only read.
    limits: MemberLimits | None = None
    # None for a guest.
    user_id: int | None = None

    def get_runtime(self) -> ChatRuntime:
        return get_chat_runtime()

    def stream_name(self) -> str:
        room: str = self.scope["url_route"]["kwargs"]["room"]
        return room

    def subjects(self) -> tuple[str, ...]:
        if self.user_id is None:
            return subjects_of_guest(self.stream)
        return (*self.socket.subjects, room_subject(self.stream), membership_subject(self.stream, self.user_id))

    async def connect(self) -> None:
        self.author = author_of(self.scope)
        if (user_id := self.scope["user"].pk) is not None:
            self.user_id = user_id
        self.protocol = CHAT_V1 if CHAT_V1 in self.scope["subprotocols"] else TUTORIAL
        await super().connect()

    async def may_join(self) -> bool:
        if refusal := await self.runtime.access_cache.refusal(self.stream, self.user_id):
            log_refusal(self.scope, REFUSAL_RESULTS[refusal])
            await self.accept(self.selected_subprotocol())
            await self.close(refusal.value)
        return refusal is None

    async def join(self) -> None:
        await super().join()
        self.runtime.presence.join(self.stream, self.author)

    async def begin(self, head: int) -> int:
        if self.protocol == CHAT_V1:
            return await super().begin(head)
        await self.join()
        return head

    def welcome_frame(self, head: int, resumed_from: int | None, epoch: str) -> dict[str, Any]:
        return {
            "type": "welcome",
            "room": self.stream,
            "you": self.author,
            "head": head,
            "resumed_from": resumed_from,
            "epoch": epoch,
        }

    async def welcomed(self) -> None:
        await self.send(presence_frames(*self.runtime.presence.told_to_one(self.stream))[CHAT_V1])

    async def disconnect(self, code: int) -> None:
        await super().disconnect(code)
        if self.is_accepted:
            self.runtime.presence.leave(self.stream, self.author)

    async def revoked(self, subjects: frozenset[str]) -> None:
        if not all(map(is_about_access, subjects)):
            await super().revoked(subjects)
            return
        try:
            refusal = await self.runtime.access_cache.recheck(self.stream, self.user_id)
        except Error as error:
            log_failure(logger, "Closing members whose access could not be read", error)
            await self.close(CloseCode.TRY_AGAIN_LATER)
        else:
            if refusal:
                await self.close(refusal.value)

    async def take(self, frame: str | None) -> None:
        if self.protocol == TUTORIAL:
            await self._say(uuid.uuid4().hex, parse_tutorial_frame(frame))
            return
        match parse_frame(frame):
            case MessageFrame(message_id, text):
                await self._say(message_id, text)
            case HistoryFrame(before, limit):
                await self._send_history(before, limit)
            case _:
                with self.limited():
                    self.runtime.limits.take_typing(self._limits())
                    self.runtime.hub.publish(self.stream, Event(typing_frames(self.author)))

    def check_rate(self, draft: Draft | None) -> None:
        if draft is None:
            self.runtime.limits.take_invalid(self._limits())
        else:
            self.runtime.limits.take_message(self._limits(), self.socket.user, self.stream)

    async def acknowledge(self, draft: Draft, seq: int) -> None:
        if self.protocol == CHAT_V1:
            await super().acknowledge(draft, seq)

    async def refuse_invalid(self, error: InvalidInput) -> None:
        INVALID.labels(error.code).inc()
        await super().refuse_invalid(error)

    async def send_error(self, code: str, detail: str, **extra: Any) -> None:
        if self.protocol == CHAT_V1:
            await super().send_error(code, detail, **extra)
            return
        # A client of the tutorial's protocol sends no id.
        extra.pop("id", None)
        await self.send(encode({"error": {"code": code, "detail": detail, **extra}}))

    async def _say(self, message_id: str, text: str) -> None:
        await self.append(Draft(self.stream, message_id, {"author": self.author, "text": text}))

    async def _send_history(self, before: int, limit: int) -> None:
        try:
            self.runtime.limits.take_history(self._limits())
        except RateLimited as error:
            await self.send_error("rate_limited", "Too many pages at once.", retry_after=error.retry_after)
            self.socket.refuse(error.limit)
            return
        try:
            # In one expression, so that no variable keeps the page in memory while a slow client reads it.
            await self.send(await self.runtime.history.get((self.stream, before, limit)))
        except Error as error:
            log_failure(logger, "Reading a page of history failed", error)
            await self.send_error("unavailable", "The database is unavailable.", retry_after=HISTORY_RETRY_SECONDS)

    def _limits(self) -> MemberLimits:
        self.limits = self.limits or self.runtime.limits.of_member()
        return self.limits
