"""The consumer of a journal's streams."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import parse_qs

from django.core.exceptions import ValidationError
from django.db import Error
from django.utils.translation import override

from channels_live.close_codes import CloseCode
from channels_live.consumers.direct import DirectConsumer
from channels_live.database import log_failure
from channels_live.journal import (
    JOURNAL_V1,
    Draft,
    InvalidInput,
    JournalRuntime,
    JournalSource,
    Overloaded,
    RateLimited,
    Unavailable,
    Unprocessable,
    check_fields,
    check_id,
    encode,
    get_runtime,
    parse_after,
    parse_object,
)
from channels_live.observability import metrics, tracing
from channels_live.rate_limit import Limit, TokenBucket, take_from_all

logger = logging.getLogger(__name__)

# Seconds after which the same may be sent again.
RETRY_AFTER = {"overloaded": 1, "unavailable": 2}
# What ``check_rate`` refuses: entries of one member, and frames that are invalid.
metrics.register_limits("member", "invalid")


class JournalConsumer(DirectConsumer):
    """A consumer that joins one stream of a journal: it resumes, receives each entry once and in order, and may append.

    Its protocol is ``journal.v1``, see channels_live.journal.protocol. Subclass it with the ``source``, and with what a
    client may send: the names of the fields it ``accepts``, which are checked by the model's own rules. Without any, a
    client only reads. Hooks that need the ``scope`` run in ``connect``, where alone it is there.
    """

    source: type[JournalSource]
    accepts: tuple[str, ...] = ()
    # Entries that one socket may send, and frames of it that are invalid.
    rate = Limit(rate=20, burst=200)
    # What an error says, by its code; for developers.
    details: ClassVar[Mapping[str, str]] = {
        "rate_limited": "Too many entries at once.",
        "overloaded": "Too many entries wait for the database.",
        "unavailable": "The entry was not stored, the database does not answer.",
        "unprocessable": "The database cannot store this entry; do not send it again.",
        "invalid_id": "id: another entry of this stream has it; send with a new one.",
        "invalid_after": "after: expected the number of the last entry you have.",
    }

    protocol = JOURNAL_V1
    stream = ""
    is_accepted = False
    # Made with the first frame: most members only read.
    bucket: TokenBucket | None = None

    # Hooks

    def stream_name(self) -> str:
        """Return which stream the client joins: that of the route's parameter ``stream``."""
        name: str = self.scope["url_route"]["kwargs"]["stream"]
        return name

    def subjects(self) -> tuple[str, ...]:
        """Return the subjects that the socket ends with when they are revoked; see revocation.watcher."""
        return self.socket.subjects

    async def may_join(self) -> bool:
        """Whether the client may join; where it may not, accept and close the socket first, so that it learns why."""
        return True

    def fields(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of the entry that a client sends, to which a subclass adds its own, such as the author.

        ``content`` is the client's frame. Raises InvalidInput.
        """
        if not self.accepts:
            raise InvalidInput("read_only", "This stream takes no entries from clients.")
        check_fields(content, "type", "id", *self.accepts)
        model = self.source.journal.model
        # What is left out has the field's default, which may be invalid too: an empty text.
        entry = model(**{name: content[name] for name in self.accepts if name in content})
        try:
            entry.clean_fields(exclude={field.name for field in model._meta.fields} - {*self.accepts})
        except ValidationError as error:
            # As all details are, whatever the language of the pages.
            with override("en"):
                detail = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
            raise InvalidInput("invalid", detail) from error
        return {name: getattr(entry, name) for name in self.accepts}

    def check_rate(self, draft: Draft | None) -> None:
        """Count an entry, or an invalid frame (None); raises RateLimited where there were too many."""
        self.bucket = self.bucket or TokenBucket(self.rate)
        if wait := take_from_all([self.bucket], time.monotonic()):
            raise RateLimited("invalid" if draft is None else "member", wait)

    def welcome_frame(self, head: int, resumed_from: int | None, epoch: str) -> dict[str, Any]:
        """Return the first frame."""
        return {
            "type": "welcome",
            "stream": self.stream,
            "head": head,
            "resumed_from": resumed_from,
            "epoch": epoch,
        }

    async def welcomed(self) -> None:
        """Send what follows the welcome."""

    def get_runtime(self) -> JournalRuntime:
        """Return what the consumers of the journal share in this process."""
        return get_runtime(self.source)

    # A socket's life

    async def connect(self) -> None:
        self.runtime = self.get_runtime()
        self.stream = self.stream_name()
        try:
            if not await self.may_join():
                return
            self.socket.subjects = self.subjects()
            head = await self.runtime.hub.open(self.stream, self)
            await self.runtime.hub.go_live(self.stream, self, await self.begin(head))
        except InvalidInput as error:
            await self.accept(self.selected_subprotocol())
            await self.send_error(error.code, error.detail)
            await self.close(CloseCode.POLICY_VIOLATION)
        except Error as error:
            log_failure(logger, "Closed a joining member, the stream cannot be read", error)
            # Before the handshake is done a browser is told no code at all.
            if not self.is_accepted:
                await self.accept(self.selected_subprotocol())
            await self.close(CloseCode.TRY_AGAIN_LATER)

    async def disconnect(self, code: int) -> None:
        # Without a name, connect did not come so far.
        if self.stream:
            self.runtime.hub.leave(self.stream, self)

    def selected_subprotocol(self) -> str | None:
        """Return the subprotocol to accept; a client that offers none speaks ``journal.v1`` all the same."""
        return self.protocol if self.protocol in self.scope["subprotocols"] else None

    async def join(self) -> None:
        """Accept the handshake of a client that joins."""
        await self.accept(self.selected_subprotocol())
        self.is_accepted = True

    async def begin(self, head: int) -> int:
        """Accept the handshake, send ``welcome``, and ``reset`` where the stream cannot be resumed from ``?after=``.

        ``head`` is the number of the topic. Returns the number after which entries are sent. Raises InvalidInput
        for an invalid ``after``, and the database's errors.
        """
        query = parse_qs(self.scope["query_string"].decode("latin1"), keep_blank_values=True)
        after, epoch = self._after(query), query.get("epoch", [None])[0]
        newest, pruned_to = head, 0
        if after is not None:
            newest, pruned_to = await self.runtime.bounds.get(self.stream)
        await self.join()
        await self.send(encode(self.welcome_frame(newest, after, self.runtime.hub.epoch)))
        await self.welcomed()
        if after is None:
            return head
        if pruned_to <= after <= newest and self.runtime.hub.knows(self.stream, after, epoch):
            return after
        await self.send(encode({"type": "reset", "head": newest}))
        return newest

    def _after(self, query: Mapping[str, list[str]]) -> int | None:
        try:
            return parse_after(query)
        except InvalidInput as error:
            raise InvalidInput(error.code, self.details[error.code]) from error

    # What a client sends

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            await self.take(text_data)
        except InvalidInput as error:
            await self.refuse_invalid(error)

    async def take(self, frame: str | None) -> None:
        """Do what a client's text frame asks for, ``None`` is a binary one; raises InvalidInput."""
        content = parse_object(frame)
        if content.get("type") != "entry":
            raise InvalidInput("unknown_type", "type: expected entry.")
        entry_id = check_id(content.get("id"))
        try:
            fields = self.fields(content)
        except InvalidInput as error:
            error.entry_id = entry_id
            raise
        await self.append(Draft(self.stream, entry_id, fields))

    async def append(self, draft: Draft) -> None:
        """Store an entry, and answer with ``ack`` or ``error``; its members everywhere are told."""
        try:
            self.check_rate(draft)
        except RateLimited as error:
            await self.refuse("rate_limited", draft, error.retry_after)
            if error.is_own_fault:
                self.socket.refuse(error.limit)
            else:
                metrics.REFUSED.labels(error.limit).inc()
        else:
            # Not awaited, so that entries of one sender that come together are committed together.
            with tracing.span("receive"):
                self.socket.start(self._store(draft))

    async def _store(self, draft: Draft) -> None:
        try:
            entry = await self.runtime.commits.append(draft)
        except Overloaded:
            await self.refuse("overloaded", draft, RETRY_AFTER["overloaded"])
        except Unavailable:
            await self.refuse("unavailable", draft, RETRY_AFTER["unavailable"])
        except Unprocessable:
            await self.refuse("unprocessable", draft)
        else:
            if entry.is_of(draft):
                await self.acknowledge(draft, entry.seq)
            else:
                await self.refuse("invalid_id", draft)

    async def acknowledge(self, draft: Draft, seq: int) -> None:
        """Tell the client that its entry is stored."""
        await self.send(encode({"type": "ack", "id": draft.id, "seq": seq}))

    async def refuse(self, code: str, draft: Draft, retry_after: float | None = None) -> None:
        """Tell the client that its entry is not stored, and in how many seconds it may send it again, if at all."""
        extra = {} if retry_after is None else {"retry_after": retry_after}
        await self.send_error(code, self.details[code], id=draft.id, **extra)

    async def refuse_invalid(self, error: InvalidInput) -> None:
        """Tell the client what was wrong with its frame, and count it."""
        extra = {} if error.entry_id is None else {"id": error.entry_id}
        await self.send_error(error.code, error.detail, **extra)
        with self.limited():
            self.check_rate(None)

    async def send_error(self, code: str, detail: str, **extra: Any) -> None:
        """Send an error; ``extra`` are its further fields."""
        await self.send(encode({"type": "error", "code": code, "detail": detail, **extra}))

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Count what a limit refuses, and tell the client nothing about it."""
        try:
            yield
        except RateLimited as error:
            self.socket.refuse(error.limit)
