"""The streams of a journal as Server-Sent Events."""

import functools
import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from channels.generic.http import AsyncHttpConsumer
from django.db import Error

from channels_live.conf import live_settings
from channels_live.database import log_failure
from channels_live.event_streams.socket import EventStreamSocket
from channels_live.frames import messages
from channels_live.journal import (
    JOURNAL_V1,
    InvalidInput,
    JournalRuntime,
    JournalSource,
    encode,
    get_runtime,
    parse_after,
)
from channels_live.observability.request_id import header

logger = logging.getLogger(__name__)

LINE_END = re.compile(r"\r\n|\n|\r")
# After how many milliseconds EventSource comes again.
RETRY = b"retry: 1000\n\n"
HEADERS = [(b"Content-Type", b"text/event-stream"), (b"Cache-Control", b"no-store")]


class JournalEventStream(AsyncHttpConsumer):
    """A member of one stream of a journal that only reads: it is sent every entry once and in order, and resumes.

    Subclass it with the ``source``. Each event is unnamed, and its data is a frame of ``protocol``, by default
    ``journal.v1`` (see channels_live.journal.protocol): a ``welcome``, perhaps a ``reset``, then entries. The id of
    an event is a sequence number with the journal's epoch, ``7-d381931e8703``; EventSource sends the newest as
    Last-Event-ID when it reconnects. The address takes ``?after=SEQ&epoch=EPOCH`` for the first request; without
    either only new entries come.

    Route it below ``/sse/``. 400 answers an invalid number, 405 another method than GET, 503 a database that does not
    answer. EventSource comes again by itself after a response that has ended, and not after any status but 200.
    """

    channel_layer_alias = None
    source: type[JournalSource]
    protocol = JOURNAL_V1
    # The hub sets it: the last number that was sent while it was catching up.
    seq = 0
    socket: EventStreamSocket

    # Hooks

    def stream_name(self) -> str:
        """Return which stream the client reads: that of the route's parameter ``stream``."""
        name: str = self.scope["url_route"]["kwargs"]["stream"]
        return name

    async def may_join(self) -> bool:
        """Whether the client may read; where it may not, answer first, by ``send_response(403, b"")``."""
        return True

    @classmethod
    def seq_of(cls, content: Mapping[str, Any]) -> int | None:
        """Return the number of an entry, by the content of its frame; None of any other frame."""
        return content["seq"] if content.get("type") == "entry" else None

    def get_runtime(self) -> JournalRuntime:
        """Return what the consumers of the journal share in this process."""
        return get_runtime(self.source)

    # A request's life

    async def handle(self, body: bytes) -> None:
        """Answer the request; returns when the response has ended."""
        self.hub = self.get_runtime().hub
        self.has_begun = False
        try:
            if self.scope["method"] != "GET":
                await self.send_response(405, b"", headers=[(b"Allow", b"GET")])
            elif await self.may_join():
                await self._read(self.stream_name(), *self._last_event())
        except InvalidInput as error:
            await self.send_response(400, error.detail.encode(), headers=[(b"Content-Type", b"text/plain")])
        except Error as error:
            log_failure(logger, "Closed a joining reader, the stream cannot be read", error)
            if not self.has_begun:
                await self.send_headers(status=503, headers=[(b"Retry-After", b"5")])
            await self.send_body(b"")

    async def _read(self, stream: str, after: int | None, epoch: str | None) -> None:
        self.socket = EventStreamSocket(self._send_frames, live_settings.MEMBER_BUFFER_KIB * 1024)
        head = await self.hub.open(stream, self)
        try:
            await self.hub.go_live(stream, self, await self._begin(stream, head, after, epoch))
            await self.socket.run()
        finally:
            self.hub.leave(stream, self)
        await self.send_body(b"")

    async def _begin(self, stream: str, head: int, after: int | None, epoch: str | None) -> int:
        """Send what comes first, and return where live entries go on."""
        newest, pruned_to = head, 0
        if after is not None:
            newest, pruned_to = await self.get_runtime().bounds.get(stream)
        is_kept = after is not None and pruned_to <= after <= newest and self.hub.knows(stream, after, epoch)
        begins_at = after if after is not None and is_kept else newest if after is not None else head
        await self.send_headers(headers=HEADERS)
        self.has_begun = True
        first = {
            "type": "welcome",
            "stream": stream,
            "head": newest,
            "resumed_from": after,
            "epoch": self.hub.epoch,
        }
        texts = [encode(first)]
        if after is not None and not is_kept:
            texts.append(encode({"type": "reset", "head": newest}))
        # With an id: who reconnects before the first entry has come resumes too.
        events = b"".join(_event(text, f"{begins_at}-{self.hub.epoch}") for text in texts)
        await self.send_body(RETRY + events, more_body=True)
        return begins_at

    def _last_event(self) -> tuple[int | None, str | None]:
        """Return the number of the last entry that the client has, and its epoch."""
        query = parse_qs(self.scope["query_string"].decode("latin1"), keep_blank_values=True)
        if last := header(self.scope, b"last-event-id"):
            after, _, epoch = last.partition("-")
            query = {"after": [after], "epoch": [epoch]}
        return parse_after(query), query.get("epoch", [None])[0] or None

    async def _send_frames(self, data: bytes) -> None:
        await self.send_body(_events(data, self.hub.epoch, self.seq_of), more_body=True)


# All members of a process are sent the same frames at about the same time.
@functools.lru_cache(maxsize=8)
def _events(data: bytes, epoch: str, seq_of: Callable[[Mapping[str, Any]], int | None]) -> bytes:
    """Return the events of whole frames."""
    events = bytearray()
    for message in messages(data):
        text = str(message["text"])
        seq = seq_of(json.loads(text))
        events += _event(text, None if seq is None else f"{seq}-{epoch}")
    return bytes(events)


def _event(text: str, event_id: str | None) -> bytes:
    lines = [f"data: {line}" for line in LINE_END.split(text)]
    if event_id is not None:
        lines.insert(0, f"id: {event_id}")
    return ("\n".join(lines) + "\n\n").encode()
