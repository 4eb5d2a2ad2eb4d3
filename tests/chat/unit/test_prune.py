"""`manage.py prune_messages`: the oldest go, the numbers stay without a gap."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from chat.journal import journal, message_draft
from chat.models import Message

pytestmark = pytest.mark.django_db


def fill(room: str, ages: list[float]) -> None:
    """One message per age, in days, in the order of their numbers."""
    stored = journal.append([message_draft(room, str(number), "alice", "hello") for number in range(len(ages))])
    for message, age in zip(stored, ages, strict=True):
        sent_at = timezone.now() - timedelta(days=age)
        Message.objects.filter(room__name=room, seq=message.seq).update(sent_at=sent_at)


def prune() -> str:
    output = StringIO()
    call_command("prune_messages", stdout=output)
    return output.getvalue()


def kept(room: str) -> list[int]:
    return [message.seq for message in journal.after(room, 0)]


def test_by_default_everything_is_kept():
    fill("lobby", [1000])
    assert prune() == "RETENTION_DAYS is 0: every message is kept.\n"
    assert kept("lobby") == [1]


def test_old_messages_go_and_the_room_knows_how_far(settings):
    settings.CHAT = {"RETENTION_DAYS": 30}
    fill("lobby", [40, 31, 29, 1])
    fill("quiet", [100, 90])
    fill("young", [1])
    assert prune() == "Deleted messages older than 30 days: 4, in rooms: 2.\n"
    assert (kept("lobby"), kept("quiet"), kept("young")) == ([3, 4], [], [1])
    assert [journal.bounds(room) for room in ("lobby", "quiet", "young")] == [(4, 2), (2, 2), (1, 0)]
