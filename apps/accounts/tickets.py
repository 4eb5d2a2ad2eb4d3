"""Tickets: ``?ticket=…`` opens one WebSocket, once and soon. For pages of other origins, which can send no header.

A ticket stands in a URL, where it may be logged or remembered; by then it is no longer valid.
"""

from datetime import timedelta

from django.utils import timezone

from accounts import tokens
from accounts.conf import accounts_settings
from accounts.models import Ticket, User
from channels_live.revocation import user_subject


def issue(user: User, made_with: str) -> str:
    """Return a new ticket, valid for TICKET_SECONDS; ``made_with`` is the subject of the session or token it is for.

    It is deleted when that subject is revoked.
    """
    now = timezone.now()
    # Here, so that no command needs to be run for it.
    Ticket.objects.filter(expires_at__lt=now).delete()
    ticket = tokens.new_token()
    expires_at = now + timedelta(seconds=accounts_settings.TICKET_SECONDS)
    Ticket.objects.create(digest=tokens.digest(ticket), user=user, made_with=made_with, expires_at=expires_at)
    return ticket


def consume(ticket: str) -> tuple[User, tuple[str, ...]] | None:
    """Use a ticket up; return its user, and the subjects with whose revocation the socket ends.

    None where it is unknown, used or expired, or the user inactive. Of several handshakes with it at once, one gets in.
    """
    found = Ticket.objects.select_related("user").filter(digest=tokens.digest(ticket)).first()
    # Whichever handshake has deleted it gets in.
    if found is None or not Ticket.objects.filter(digest=found.digest).delete()[0]:
        return None
    if found.expires_at <= timezone.now() or not found.user.is_active:
        return None
    return found.user, (found.made_with, user_subject(found.user))
