"""The answer to ``history`` of ``chat.v1``."""

import json

from channels_live.journal import encode, fitting
from chat.journal import journal
from chat.models import Message
from chat.protocol import HISTORY_DEFAULT, message_json

# A room, a number, and how many messages earlier than that are asked for.
Question = tuple[str, int, int]


def history_frame(question: Question) -> str:
    """Return the newest messages earlier than the number, at most as many as asked for, and as fit into a page.

    It blocks on the database, and raises what that raises.
    """
    room, before, limit = question
    # The newest first; one more than asked for shows whether there are more.
    found = journal.before(room, before, min(limit, HISTORY_DEFAULT) + 1)[::-1]
    page = fitting_messages(found, limit)
    if HISTORY_DEFAULT < len(found) == len(page):
        # Not at once: where texts are long, most of what the database gave would be thrown away.
        found += journal.before(room, found[-1].seq, limit + 1 - len(found))[::-1]
        page = fitting_messages(found, limit)
    return f'{{"type":"history","messages":[{",".join(reversed(page))}],"more":{json.dumps(len(found) > len(page))}}}'


def fitting_messages(found: list[Message], limit: int) -> list[str]:
    """Return the JSON of the first of the messages, at most ``limit`` and as many as fit into a page."""
    return fitting((encode(message_json(message)) for message in found[:limit]), text_of=str)
