"""The journal of the rooms: the only place where messages are kept."""

from django.db.models import Q
from django.utils import timezone

from channels_live.journal import Draft, Journal
from chat.models import Message

# The prefix of the groups of all releases: processes of the one before send to the same groups.
journal = Journal(Message, group_prefix="chat")


def message_draft(room: str, message_id: str, author: str, text: str) -> Draft:
    """Return a message that is not stored yet; ``message_id`` is the client's."""
    return Draft(room, message_id, {"author": author, "text": text})


def remove(pk: int) -> Message:
    """Take the text of a message away for good; its number stays. Removing again changes nothing. Blocks.

    Raises Message.DoesNotExist where retention was faster.
    """
    return journal.change(pk, {"text": "", "removed_at": timezone.now()}, where=Q(removed_at=None))
