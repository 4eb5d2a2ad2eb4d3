"""The replay: pages that are small whatever is in them, and reads that let commits go between."""

import asyncio
import gc
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from channels_live.database import shared_reads
from channels_live.frames import text_frame
from channels_live.hub import Event
from channels_live.hub import replay as replay_module
from channels_live.hub.replay import PAGE_BYTES, Replay


class Source:
    """A journal of texts; the first has the number 1."""

    def __init__(self, *texts: str) -> None:
        self.events = [Event({"v1": text, "": f"tutorial {text}"}, seq) for seq, text in enumerate(texts, start=1)]
        self.reads = 0

    def after(self, topic: str, seq: int) -> list[Event]:
        self.reads += 1
        return self.events[seq : seq + 200]


class Database:
    """Runs functions at once, and keeps what each returned."""

    def __init__(self) -> None:
        self.answers: list[Any] = []

    async def run(self, function, *arguments):
        await asyncio.sleep(0)
        self.answers.append(function(*arguments))
        return self.answers[-1]


class Socket:
    """Keeps the size of each write; it goes on reading when it is let go."""

    is_connected = True

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.written = asyncio.Event()
        self.let_go = asyncio.Event()

    async def send(self, data: bytes) -> None:
        self.writes.append(data)
        self.written.set()
        await self.let_go.wait()


class Member:
    def __init__(self, protocol: str = "v1") -> None:
        self.protocol = protocol
        self.seq = 0
        self.socket = Socket()


def topic_of(source: Source, name: str = "lobby") -> Any:
    return SimpleNamespace(name=name, seq=len(source.events))


async def test_a_page_is_bounded_by_bytes_and_has_one_event_at_least():
    texts = ["x" * 50_000, "y" * 50_000, "z" * 200_000, *["s"] * 300]
    source, member = Source(*texts), Member()
    member.socket.let_go.set()
    await Replay(source, Database()).catch_up(topic_of(source), member)  # type: ignore[arg-type]
    assert b"".join(member.socket.writes) == b"".join(map(text_frame, texts))
    large, *others = sorted(map(len, member.socket.writes), reverse=True)
    assert large < 200_100
    assert max(others) <= PAGE_BYTES
    assert member.seq == len(texts)


async def test_members_share_the_bytes_of_a_page_and_get_their_own_protocol():
    source = Source(*"abc")
    members = [Member(), Member(), Member("")]
    for member in members:
        member.socket.let_go.set()
    replay = Replay(source, Database())  # type: ignore[arg-type]
    await asyncio.gather(*(replay.catch_up(topic_of(source), member) for member in members))
    assert members[0].socket.writes == [b"".join(map(text_frame, "abc"))]
    assert members[0].socket.writes[0] is members[1].socket.writes[0]
    assert members[2].socket.writes == [b"".join(text_frame(f"tutorial {text}") for text in "abc")]


async def test_nothing_but_the_socket_holds_what_waits_for_its_client(monkeypatch):
    class Page(replay_module.Page):
        """One whose end can be seen."""

        def __init__(self, *fields: Any) -> None:
            super().__init__(*fields)
            pages.add(self)

    pages: weakref.WeakSet[Page] = weakref.WeakSet()
    monkeypatch.setattr(replay_module, "Page", Page)
    source, member, database = Source("a" * 1000), Member(), Database()
    waiting = asyncio.create_task(Replay(source, database).catch_up(topic_of(source), member))  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        await member.socket.written.wait()
    assert len(pages) == 1
    database.answers.clear()
    gc.collect()
    assert len(pages) == 0
    member.socket.let_go.set()
    await waiting


@pytest.mark.parametrize(("seconds", "expected"), [(0.02, [1] * 5), (0.004, [3, 2])], ids=["slow", "quick"])
async def test_a_read_ends_when_its_time_is_over_and_the_others_get_the_next(monkeypatch, seconds, expected):
    now = 0.0

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now

    class Slow(Source):
        def after(self, topic: str, seq: int) -> list[Event]:
            nonlocal now
            now += seconds
            return super().after(topic, seq)

    monkeypatch.setattr(shared_reads, "time", Clock)
    source, database = Slow("a"), Database()
    replay = Replay(source, database)  # type: ignore[arg-type]
    members = [Member() for _ in range(5)]
    for member in members:
        member.socket.let_go.set()
    tasks = [replay.catch_up(topic_of(source, f"{number}"), member) for number, member in enumerate(members)]
    await asyncio.gather(*tasks)
    assert [len(answer) for answer in database.answers] == expected
    assert all(member.socket.writes == [text_frame("a")] for member in members)
