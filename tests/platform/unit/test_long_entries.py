"""Pages of a replay: bounded by bytes, and complete in the end."""

from collections.abc import Mapping
from typing import Any

import pytest

from channels_live.hub import Event
from channels_live.journal import JOURNAL_V1, PAGE_BYTES, JournalSource
from tests.support.feeds import Post, draft, journal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("feed_tables")]
LONG = "\N{GRINNING FACE}" * 4000


class Source(JournalSource):
    journal = journal

    def content(self, entry: Post) -> Mapping[str, Any]:
        return {"data": entry.data}


@pytest.mark.parametrize("text", ["short", LONG], ids=["short", "long"])
def test_pages_of_a_replay_are_bounded_by_bytes_and_complete(text):
    texts = [*[text] * 120, "short", LONG]
    journal.append([draft(number, data={"text": text}) for number, text in enumerate(texts)])
    read: list[Event] = []
    while page := Source().after("news", read[-1].seq or 0 if read else 0):
        assert sum(len(event.frames[JOURNAL_V1].encode()) for event in page) < PAGE_BYTES + 50_000
        read += page
    assert [event.seq for event in read] == list(range(1, 123))
