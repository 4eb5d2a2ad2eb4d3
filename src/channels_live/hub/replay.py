"""The replay: a member that is catching up is sent what it missed, page by page, as fast as its client reads.

A page has the frames of one protocol only, as one bytes object that all members that need it share. While a client
reads it slowly, nothing else is held in memory for that client.
"""

from collections.abc import Collection
from dataclasses import dataclass

from channels_live.database.shared_reads import SharedReads, one_by_one
from channels_live.database.thread import DatabaseThread
from channels_live.frames import text_frame
from channels_live.hub.members import Member
from channels_live.hub.source import Source
from channels_live.hub.topic import Topic
from channels_live.observability import metrics

# Frames of one page; an event that is larger is a page of its own.
PAGE_BYTES = 128 * 1024

# A topic, a number and a protocol.
Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Page:
    """The frames of the events up to the number ``seq``; 0 where there are no events."""

    seq: int
    frames: int
    data: bytes


class Replay:
    """Reads a source's journal for members that are catching up, for many of them at once."""

    def __init__(self, source: Source, database: DatabaseThread) -> None:
        self._source = source
        self._database = database
        self._pages = SharedReads(self._read)

    async def catch_up(self, topic: Topic, member: Member) -> None:
        """Send the member all events later than its ``seq``, up to the topic's number or beyond it.

        Returns before that where its socket is gone. Raises what the source raises.
        """
        while member.seq < topic.seq and member.socket.is_connected:
            page = await self._pages.get((topic.name, member.seq, member.protocol))
            if page.seq <= member.seq:
                break
            member.seq = page.seq
            if page.frames:
                metrics.count_sent(page.frames, len(page.data))
                sending = member.socket.send(page.data)
                del page
                await sending

    async def _read(self, keys: Collection[Key]) -> dict[Key, Page]:
        return await self._database.run(one_by_one, self._page, keys)

    def _page(self, key: Key) -> Page:
        topic, after, protocol = key
        seq, frames, data = 0, 0, bytearray()
        for event in self._source.after(topic, after):
            if protocol in event.frames:
                following = text_frame(event.frames[protocol])
                if data and len(data) + len(following) > PAGE_BYTES:
                    break
                data += following
                frames += 1
            seq = event.seq or seq
        return Page(seq, frames, bytes(data))
