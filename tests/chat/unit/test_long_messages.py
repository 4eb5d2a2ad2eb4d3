"""What a member is given of the journal at a time: bounded by bytes, and complete in the end."""

import json

import pytest

from channels_live.journal import PAGE_BYTES
from chat.history_page import history_frame
from chat.journal import journal, message_draft

LONG = "\N{GRINNING FACE}" * 4000


def fill(*texts: str) -> None:
    journal.append([message_draft("lobby", f"{number}", "alice", text) for number, text in enumerate(texts)])


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["short", LONG], ids=["short", "long"])
@pytest.mark.parametrize("limit", [1, 50, 51, 121, 200])
def test_history_comes_in_frames_that_are_bounded_by_bytes(text, limit):
    fill(LONG, *[text] * 120)
    seqs: list[int] = []
    before, more = 2**62, True
    while more:
        frame = history_frame(("lobby", before, limit))
        assert len(frame.encode()) < PAGE_BYTES + 1000
        content = json.loads(frame)
        assert content["type"] == "history"
        numbers = [message["seq"] for message in content["messages"]]
        assert 1 <= len(numbers) <= limit
        seqs, before, more = numbers + seqs, numbers[0], content["more"]
    assert seqs == list(range(1, 122))


@pytest.mark.django_db
def test_history_of_an_empty_room_is_empty():
    assert json.loads(history_frame(("lobby", 2**62, 50))) == {"type": "history", "messages": [], "more": False}
