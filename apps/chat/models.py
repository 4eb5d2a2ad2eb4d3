from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels_live.journal import Draft, Entry, Stream, entry_constraints


class Room(Stream):
    """A room, a stream of messages. A room without a row is public and empty."""

    class Access(models.TextChoices):
        """The visitors that may enter a room; chat.access enforces it."""

        PUBLIC = "public", _("Everyone")
        MEMBERS = "members", _("Members only")
        STAFF = "staff", _("Staff only")

    # With a default of the database, for processes of the previous release that still create rooms during an upgrade.
    access = models.CharField(
        _("access"), max_length=10, choices=Access, default=Access.PUBLIC, db_default=Access.PUBLIC
    )

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")

    def save(self, *args: Any, **options: Any) -> None:
        # The revocation that chat.access writes for the change is committed together with the room, or not at all.
        with transaction.atomic():
            super().save(*args, **options)


class Membership(models.Model):
    """Lets a user into a room for members only."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="memberships", db_index=False, verbose_name=_("room"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="room_memberships", verbose_name=_("user")
    )

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [models.UniqueConstraint(fields=["room", "user"], name="membership_room_user")]

    def __str__(self) -> str:
        return gettext("%(user)s in %(room)s") % {"user": self.user, "room": self.room}


class Ban(models.Model):
    """Keeps a user out of a room, also one who is a member or staff."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="bans", db_index=False, verbose_name=_("room"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="room_bans", verbose_name=_("user"))
    reason = models.CharField(_("reason"), max_length=200, blank=True, help_text=_("Only moderators see it."))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("ban")
        verbose_name_plural = _("bans")
        constraints = [models.UniqueConstraint(fields=["room", "user"], name="ban_room_user")]

    def __str__(self) -> str:
        return gettext("%(user)s banned from %(room)s") % {"user": self.user, "room": self.room}

    def save(self, *args: Any, **options: Any) -> None:
        # As in Room.save.
        with transaction.atomic():
            super().save(*args, **options)


class Message(Entry):
    """One message of a room."""

    # Both unique constraints begin with the room: an index of its own would only mislead the planner.
    room = models.ForeignKey(Room, models.CASCADE, related_name="messages", db_index=False, verbose_name=_("room"))
    author = models.CharField(_("author"), max_length=150)
    text = models.TextField(_("text"), blank=True)
    # Set when a moderator removed the text; the number stays.
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = entry_constraints("room", prefix="message")
        # For prune_messages.
        indexes = [models.Index(fields=["sent_at"], name="message_sent_at")]

    @property
    def is_removed(self) -> bool:
        """Whether a moderator removed the text."""
        return self.removed_at is not None

    is_changed = is_removed

    def is_of(self, draft: Draft) -> bool:
        """Whether it is the draft's message. The author may have another name by now, and the text may be removed."""
        return self.is_removed or self.text == draft.fields["text"]
