"""Access to rooms: ``refusals`` decides for pages, the HTTP API, WebSockets and the lobby.

To decide by other rules, replace ``refusals``, and call ``channels_live.revocation.revoke`` whenever access ends: with
``room_subject`` for all members of the room, with ``membership_subject`` for one user. The access of their open sockets
is checked again.
"""

import functools
from collections.abc import Collection
from enum import Enum
from typing import Any

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver

from channels_live.close_codes import CloseCode
from channels_live.revocation import revoke
from chat.models import Ban, Membership, Room
from chat.rooms import is_clear

Visitor = AbstractUser | AnonymousUser


class Refusal(Enum):
    """The reason why a visitor may not enter a room; the value is the close code of WebSockets."""

    LOGIN_NEEDED = CloseCode.LOGIN_REQUIRED
    FORBIDDEN = CloseCode.FORBIDDEN
    # There is no such room, and none may be created under this name: see chat.rooms.is_clear.
    NOT_FOUND = CloseCode.NOT_FOUND


def refusals(rooms: Collection[str], visitor: Visitor) -> dict[str, Refusal]:
    """Return those of the rooms that the visitor may not enter, and why; the others are open. Blocks.

    It takes one query, and a second one if a name is unclear: such a room can be entered only if it exists.
    """
    found = Room.objects.filter(name__in=rooms)
    unclear = {room for room in rooms if not is_clear(room)}
    missing = unclear and unclear - set(Room.objects.filter(name__in=unclear).values_list("name", flat=True))
    return _refusals_of(found, visitor) | dict.fromkeys(missing, Refusal.NOT_FOUND)


def _refusals_of(found: QuerySet[Room], visitor: Visitor) -> dict[str, Refusal]:
    if not visitor.is_authenticated:
        return dict.fromkeys(
            found.exclude(access=Room.Access.PUBLIC).values_list("name", flat=True), Refusal.LOGIN_NEEDED
        )
    found = found.annotate(
        is_banned=Exists(Ban.objects.filter(room=OuterRef("pk"), user=visitor.pk)),
        is_member=Exists(Membership.objects.filter(room=OuterRef("pk"), user=visitor.pk)),
    )
    is_open = {Room.Access.PUBLIC: True, Room.Access.STAFF: visitor.is_staff}
    return {
        name: Refusal.FORBIDDEN
        for name, access, is_banned, is_member in found.values_list("name", "access", "is_banned", "is_member")
        if is_banned or not is_open.get(Room.Access(access), is_member)
    }


@functools.lru_cache(maxsize=1000)
def room_subject(room: str) -> str:
    """Return the subject of all sockets in a room (channels_live.revocation). Most have it in common."""
    return f"room:{room}"


def membership_subject(room: str, user_id: int) -> str:
    """Return the subject of one user's sockets in a room.

    The text begins with ``seat`` because processes of the previous release read and write it so. They run beside this
    one during an upgrade.
    """
    return f"seat:{user_id}:{room}"


def is_about_access(subject: str) -> bool:
    """Whether a subject is one of these two, after whose revocation ``refusals`` decides."""
    return subject.startswith(("room:", "seat:"))


@receiver(pre_save, sender=Room)
def _access_changes(instance: Room, **_: Any) -> None:
    before = Room.objects.filter(name=instance.name).values_list("access", flat=True).first()
    if (before or Room.Access.PUBLIC) != instance.access:
        revoke(room_subject(instance.name))


@receiver(post_save, sender=Ban)
@receiver(post_delete, sender=Membership)
def _membership_ends(instance: Ban | Membership, **_: Any) -> None:
    revoke(membership_subject(instance.room.name, instance.user_id))
