"""Removal of a message."""

import pytest

from chat.journal import journal, message_draft, remove
from chat.models import Message


@pytest.mark.django_db
def test_removed_message_keeps_its_number_and_loses_its_text():
    journal.append([message_draft("lobby", f"id-{number}", "alice", "hello") for number in range(3)])
    removed = remove(Message.objects.get(seq=2).pk)
    assert (removed.stream_name, removed.seq, removed.text, removed.is_removed) == ("lobby", 2, "", True)
    assert [(message.seq, message.text) for message in journal.after("lobby", 0)] == [
        (1, "hello"),
        (2, ""),
        (3, "hello"),
    ]
    first = Message.objects.get(seq=2).removed_at
    remove(Message.objects.get(seq=2).pk)
    assert Message.objects.get(seq=2).removed_at == first
    with pytest.raises(Message.DoesNotExist):
        remove(0)
