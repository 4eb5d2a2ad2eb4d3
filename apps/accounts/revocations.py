"""Revokes what a socket was opened with, when it ends: a session, a password, an API token (channels_live.revocation).

Receivers here do it in the transaction of the change itself, whether a view, the admin or a command makes it.
``QuerySet.update`` and SQL by hand send no signals: call ``revoke`` yourself.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import Max
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver
from django.utils import timezone

from accounts.models import ApiToken, Revocation, Ticket, User
from channels_live.revocation import revoke, session_subject, user_subject

# Far longer than a ws process looks back, which is a minute.
KEPT = timedelta(hours=1)
# A change of any of these ends the user's open sockets: it changes what they may do, or the name that they write under.
DECISIVE = ("username", "password", "is_active", "is_staff", "is_superuser")


def token_subject(token: ApiToken) -> str:
    """Return the subject of an API token."""
    return f"token:{token.pk}"


class Table:
    """The revocations in the database, and the RevocationTable of CHANNELS_LIVE in services/base/settings.py."""

    def add(self, subjects: Collection[str]) -> None:
        """Append the subjects, and delete the tickets that were issued with one of them."""
        Ticket.objects.filter(made_with__in=subjects).delete()
        Revocation.objects.bulk_create([Revocation(subject=subject) for subject in subjects])

    def begin(self) -> int:
        """Return the number of the newest revocation that is older than a minute, 0 without one."""
        old = Revocation.objects.filter(created_at__lt=timezone.now() - timedelta(minutes=1))
        return old.aggregate(newest=Max("pk"))["newest"] or 0

    def after(self, number: int) -> list[tuple[int, str]]:
        """Return number and subject of the revocations with a higher number."""
        return list(Revocation.objects.filter(pk__gt=number).order_by("pk").values_list("pk", "subject"))

    def prune(self) -> None:
        """Delete what every process has read long ago."""
        Revocation.objects.filter(created_at__lt=timezone.now() - KEPT).delete()


@receiver(post_delete, sender=Session)
def _session_ended(instance: Session, **_: Any) -> None:
    # By logging out, or because Django gave it another key. `manage.py clearsessions` deletes those that have expired.
    if instance.expire_date > timezone.now():
        revoke(session_subject(instance.session_key))


@receiver(pre_save, sender=User)
def _user_changes(instance: User, update_fields: Collection[str] | None, **_: Any) -> None:
    if instance._state.adding or (update_fields is not None and not set(DECISIVE) & set(update_fields)):
        return
    # Locked, so that of two changes at once the second sees the first.
    before = User.objects.select_for_update().filter(pk=instance.pk).first()
    if before and any(getattr(before, field) != getattr(instance, field) for field in DECISIVE):
        _end_all(before)


@receiver(post_delete, sender=User)
def _user_deleted(instance: User, **_: Any) -> None:
    _end_all(instance)


def _end_all(user: User) -> None:
    Ticket.objects.filter(user_id=user.pk).delete()
    revoke(user_subject(user))


@receiver([post_save, post_delete], sender=ApiToken)
def _token_changed(instance: ApiToken, created: bool = False, **_: Any) -> None:
    if not created:
        revoke(token_subject(instance))
