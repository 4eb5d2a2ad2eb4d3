"""Tickets: ``?ticket=…`` opens one WebSocket, once and soon. For pages of other origins, which can send no header.

A ticket stands in a URL, where it may be logged or remembered; by then it is worth nothing.
"""

from datetime import timedelta

from django.utils import timezone

from accounts import revocations, tokens
from accounts.conf import accounts_settings
from accounts.models import Ticket, User


def issue(user: User, made_with: str) -> str:
    """Return a new ticket, good for TICKET_SECONDS; ``made_with`` is the subject that it ends with."""
    now = timezone.now()
    # Nobody need run a command for it.
    Ticket.objects.filter(expires_at__lt=now).delete()
    ticket = tokens.new_token()
    expires_at = now + timedelta(seconds=accounts_settings.TICKET_SECONDS)
    Ticket.objects.create(digest=tokens.digest(ticket), user=user, made_with=made_with, expires_at=expires_at)
    return ticket


def consume(ticket: str) -> tuple[User, tuple[str, ...]] | None:
    """Return whose ticket it was and the subjects that a socket opened with it ends with, and make it worthless.

    None where it is unknown, used or expired, or the user inactive. Of several who come with it at once one wins.
    """
    found = Ticket.objects.select_related("user").filter(digest=tokens.digest(ticket)).first()
    # The database says who has deleted it.
    if found is None or not Ticket.objects.filter(digest=found.digest).delete()[0]:
        return None
    if found.expires_at <= timezone.now() or not found.user.is_active:
        return None
    return found.user, (found.made_with, revocations.user_subject(found.user))
