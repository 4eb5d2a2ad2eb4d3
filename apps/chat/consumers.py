import functools
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

from django.db import Error

from accounts.guests import author_of
from channels_live.close_codes import CloseCode
from channels_live.consumers import DirectConsumer
from channels_live.database import log_failure
from channels_live.hub import Event
from channels_live.observability import metrics, tracing
from channels_live.server import log_refusal
from chat import events
from chat.access import Refusal, is_about_access, membership_subject, room_subject
from chat.events import CHAT_V1, TUTORIAL
from chat.frames import HistoryFrame, InvalidFrame, MessageFrame, parse_after, parse_frame
from chat.group_commit import Overloaded, Unavailable, Unprocessable
from chat.journal import Draft
from chat.limits import MemberLimits, RateLimited
from chat.live import live
from chat.messages import InvalidMessage, id_taken, parse_message
from chat.metrics import INVALID

logger = logging.getLogger(__name__)

OVERLOADED_SECONDS, UNAVAILABLE_SECONDS = 1, 2
# Under which refused handshakes are counted.
REFUSAL_RESULTS = {Refusal.LOGIN_NEEDED: "auth", Refusal.FORBIDDEN: "forbidden", Refusal.NOT_FOUND: "not_found"}


@functools.lru_cache(maxsize=1000)
def subjects_of_guest(room: str) -> tuple[str, ...]:
    """Return the subjects of a guest's socket; the same object for all in a room."""
    return (room_subject(room),)


class ChatConsumer(DirectConsumer):
    """A member of one room, in the tutorial's protocol or in ``chat.v1`` (docs/protocol.md)."""

    is_accepted = False
    # Made with the first frame: most members only read.
    limits: MemberLimits | None = None
    # None for a guest.
    user_id: int | None = None

    async def connect(self) -> None:
        self.room: str = self.scope["url_route"]["kwargs"]["room"]
        self.author = author_of(self.scope)
        user_id = self.scope["user"].pk
        self.protocol = CHAT_V1 if CHAT_V1 in self.scope["subprotocols"] else TUTORIAL
        self.live = live()
        try:
            if refusal := await self.live.access_cache.refusal(self.room, user_id):
                await self._refuse_entry(refusal)
                return
            self._add_subjects(user_id)
            head = await self.live.hub.open(self.room, self)
            after = await self._resume(head) if self.protocol == CHAT_V1 else await self._begin(head)
            await self.live.hub.go_live(self.room, self, after)
        except InvalidMessage as error:
            await self.accept(self.protocol)
            await self._send_error(error.code, error.detail)
            await self.close(CloseCode.POLICY_VIOLATION)
        except Error as error:
            log_failure(logger, "A member was not let in, the room cannot be read", error)
            # Before the handshake is done a browser is told no code at all.
            if not self.is_accepted:
                await self.accept(self.protocol or None)
            await self.close(CloseCode.TRY_AGAIN_LATER)

    async def revoked(self, subjects: frozenset[str]) -> None:
        if not all(map(is_about_access, subjects)):
            await super().revoked(subjects)
            return
        try:
            refusal = await self.live.access_cache.recheck(self.room, self.user_id)
        except Error as error:
            log_failure(logger, "Members were closed, their access cannot be read", error)
            await self.close(CloseCode.TRY_AGAIN_LATER)
        else:
            if refusal:
                await self.close(refusal.value)

    async def disconnect(self, code: int) -> None:
        self.live.hub.leave(self.room, self)
        if self.is_accepted:
            self.live.presence.leave(self.room, self.author)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.limits = self.limits or self.live.limits.of_member()
        try:
            if self.protocol == TUTORIAL:
                await self._say(self.limits, Draft(self.room, uuid.uuid4().hex, self.author, parse_message(text_data)))
                return
            frame = parse_frame(text_data)
        except InvalidMessage as error:
            INVALID.labels(error.code).inc()
            extra = {"id": error.message_id} if isinstance(error, InvalidFrame) else {}
            await self._send_error(error.code, error.detail, **extra)
            with self._limited():
                self.live.limits.take_wrong(self.limits)
            return
        match frame:
            case MessageFrame(message_id, text):
                await self._say(self.limits, Draft(self.room, message_id, self.author, text))
            case HistoryFrame(before, limit):
                await self._send_history(self.limits, before, limit)
            case _:
                with self._limited():
                    self.live.limits.take_typing(self.limits)
                    self.live.hub.publish(self.room, Event(events.typing_frames(self.author)))

    def _add_subjects(self, user_id: int | None) -> None:
        if user_id is None:
            self.socket.subjects = subjects_of_guest(self.room)
        else:
            self.user_id = user_id
            self.socket.subjects += (room_subject(self.room), membership_subject(self.room, user_id))

    async def _refuse_entry(self, refusal: Refusal) -> None:
        log_refusal(self.scope, REFUSAL_RESULTS[refusal])
        await self.accept(self.protocol or None)
        await self.close(refusal.value)

    async def _begin(self, head: int) -> int:
        await self._accept(None)
        return head

    async def _resume(self, head: int) -> int:
        """Send welcome, and reset where the asked-for point is not kept; return where live messages go on."""
        query = parse_qs(self.scope["query_string"].decode("latin1"), keep_blank_values=True)
        after, epoch = parse_after(query), query.get("epoch", [None])[0]
        newest, pruned_to = head, 0
        if after is not None:
            newest, pruned_to = await self.live.bounds.get(self.room)
        await self._accept(CHAT_V1)
        await self.send(
            events.encode(
                {
                    "type": "welcome",
                    "room": self.room,
                    "you": self.author,
                    "head": newest,
                    "resumed_from": after,
                    "epoch": self.live.hub.epoch,
                }
            )
        )
        await self.send(events.presence_frames(*self.live.presence.told_to_one(self.room))[CHAT_V1])
        if after is None:
            return head
        if pruned_to <= after <= newest and self.live.hub.knows(self.room, after, epoch):
            return after
        await self.send(events.encode({"type": "reset", "head": newest}))
        return newest

    async def _accept(self, subprotocol: str | None) -> None:
        await self.accept(subprotocol)
        self.is_accepted = True
        self.live.presence.join(self.room, self.author)

    @contextmanager
    def _limited(self) -> Iterator[None]:
        """Count what a limit refuses, and say nothing about it."""
        try:
            yield
        except RateLimited as error:
            self.socket.refuse(error.limit)

    async def _say(self, limits: MemberLimits, draft: Draft) -> None:
        try:
            self.live.limits.take_message(limits, self.socket.user, self.room)
        except RateLimited as error:
            await self._refuse("rate_limited", "Too many messages at once.", draft, error.retry_after)
            if error.is_own_fault:
                self.socket.refuse(error.limit)
            else:
                metrics.REFUSED.labels(error.limit).inc()
        else:
            self._store_soon(draft)

    def _store_soon(self, draft: Draft) -> None:
        # Not awaited, so that messages of one sender that come together are committed together.
        with tracing.span("receive"):
            self.socket.start(self._store(draft))

    async def _store(self, draft: Draft) -> None:
        try:
            stored = await self.live.commits.append(draft)
        except Overloaded:
            await self._refuse("overloaded", "Too many messages wait for the database.", draft, OVERLOADED_SECONDS)
        except Unavailable:
            detail = "The message was not stored, the database does not answer."
            await self._refuse("unavailable", detail, draft, UNAVAILABLE_SECONDS)
        except Unprocessable:
            detail = "The database cannot store this message; do not send it again."
            await self._refuse("unprocessable", detail, draft)
        else:
            if not stored.is_of(draft):
                error = id_taken()
                await self._refuse(error.code, error.detail, draft)
            elif self.protocol == CHAT_V1:
                await self.send(events.encode({"type": "ack", "id": draft.id, "seq": stored.seq}))

    async def _refuse(self, code: str, detail: str, draft: Draft, retry_after: float | None = None) -> None:
        extra: dict[str, Any] = {"id": draft.id} if self.protocol == CHAT_V1 else {}
        if retry_after is not None:
            extra["retry_after"] = retry_after
        await self._send_error(code, detail, **extra)

    async def _send_history(self, limits: MemberLimits, before: int, limit: int) -> None:
        try:
            self.live.limits.take_history(limits)
        except RateLimited as error:
            await self._send_error("rate_limited", "Too many pages at once.", retry_after=error.retry_after)
            self.socket.refuse(error.limit)
            return
        try:
            # In one expression, so that nothing here holds the page while its client takes its time.
            await self.send(await self.live.history.get((self.room, before, limit)))
        except Error as error:
            log_failure(logger, "A page of history was refused, the journal cannot be read", error)
            await self._send_error("unavailable", "The database does not answer.", retry_after=UNAVAILABLE_SECONDS)

    async def _send_error(self, code: str, detail: str, **extra: Any) -> None:
        error = {"code": code, "detail": detail, **extra}
        await self.send(events.encode({"type": "error", **error} if self.protocol == CHAT_V1 else {"error": error}))
